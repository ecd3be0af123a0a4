//! Queries: they only read.

mod find;
mod list;
mod pages;

pub(crate) use find::{benefit, find};
pub(crate) use list::{list, number};
pub use pages::MAX_MRA_PAGE;
pub(crate) use pages::{aliases, history, mra, mras, pending};

use precinto_contract::{Host, Result};
use precinto_protocol::aeo::AsOf;

use crate::fields::bad;

/// Items of one page and of one answer to `history`: keeps a query far below its fuel.
pub const MAX_PAGE: u32 = 100;

/// The times a query asks about. What will be recorded is not known, so that pages of one `as_of`
/// fit together for ever.
fn resolved(host: &dyn Host, as_of: Option<AsOf>) -> AsOf {
    let now_ms = host.context().time_ms;
    match as_of {
        None => AsOf { effective_ms: now_ms, recorded_ms: now_ms },
        Some(asked) => AsOf { recorded_ms: asked.recorded_ms.min(now_ms), ..asked },
    }
}

/// The size of a page, as asked for.
fn page_size(limit: u32) -> Result<usize> {
    match (1..=MAX_PAGE).contains(&limit) {
        true => Ok(limit as usize),
        false => Err(bad("limit", "1 to 100")),
    }
}
