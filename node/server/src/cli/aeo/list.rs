//! `aeo list`, and walking through its pages.

use clap::Args;
use precinto_client::{
    Client,
    types::{AsKnown, ListFilter, StandingAuthorization},
};
use precinto_protocol::aeo::{AeoType, Standing, SupplyChainRole};

use super::{
    args::Times,
    show::{print_as_known, standings},
};
use crate::cli::{identity::known_member, named::Named, output};

/// Authorizations of one page: the most that the interface gives.
const PAGE: u32 = 100;

/// `aeo list`.
#[derive(Debug, Args)]
pub struct List {
    /// Granted by this member
    #[arg(long)]
    member: Option<String>,
    /// Stands so
    #[arg(long, value_parser = Named(Standing::ALL, Standing::name))]
    standing: Option<Standing>,
    /// Has this type
    #[arg(long = "type", value_parser = Named(AeoType::ALL, AeoType::name))]
    aeo_type: Option<AeoType>,
    /// Has this role in the supply chain
    #[arg(long, value_parser = Named(SupplyChainRole::ALL, SupplyChainRole::name))]
    role: Option<SupplyChainRole>,
    /// Of a kind that this arrangement recognizes
    #[arg(long, value_name = "ID")]
    mra: Option<String>,
    /// The last day comes by this day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", conflicts_with = "ends_within_days")]
    ends_by: Option<String>,
    /// The last day is today or comes within this many days
    #[arg(long, value_name = "DAYS")]
    ends_within_days: Option<u32>,
    #[command(flatten)]
    times: Times,
    /// How many at most
    #[arg(long, default_value_t = 100, conflicts_with = "all")]
    limit: usize,
    /// All of them
    #[arg(long)]
    all: bool,
}

impl List {
    /// Lists them.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        if let Some(member) = &self.member {
            known_member(client, member).await?;
        }
        let limit = if self.all { usize::MAX } else { self.limit };
        let filter = ListFilter {
            member: self.member,
            standing: self.standing.map(|it| it.to_string()),
            aeo_type: self.aeo_type.map(|it| it.to_string()),
            role: self.role.map(|it| it.to_string()),
            mra: self.mra,
            ends_by: self.ends_by,
            ends_within_days: self.ends_within_days,
            asked: self.times.into(),
        };
        let mut pages = Pages::new(client, filter);
        let mut found: Vec<StandingAuthorization> = Vec::new();
        let (mut more, mut as_of) = (true, None);
        while more && found.len() < limit {
            let page = pages.next(PAGE.min(u32::try_from(limit - found.len()).unwrap_or(PAGE)));
            let (authorizations, at) = page.await?;
            found.extend(authorizations);
            (more, as_of) = (pages.more(), Some(at));
        }
        if json {
            let list = serde_json::json!({
                "authorizations": found, "complete": !more, "as_of": as_of,
            });
            output::json(&list);
            return Ok(());
        }
        output::table(&standings(found.iter()));
        let rest = if more { "; there are more: see --limit and --all" } else { "" };
        output::line(format_args!("{} authorizations{rest}", found.len()));
        if let Some(as_of) = &as_of {
            print_as_known(as_of);
        }
        Ok(())
    }
}

/// A list, page by page, all as of one moment.
pub struct Pages<'a> {
    client: &'a Client,
    filter: ListFilter,
    cursor: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// The beginning of a list.
    pub fn new(client: &'a Client, filter: ListFilter) -> Pages<'a> {
        Pages { client, filter, cursor: None, ended: false }
    }

    /// Whether there may be another page.
    pub fn more(&self) -> bool {
        !self.ended
    }

    /// The next page, of at most so many.
    pub async fn next(
        &mut self,
        limit: u32,
    ) -> anyhow::Result<(Vec<StandingAuthorization>, AsKnown)> {
        let page = self.client.aeo_list(&self.filter, self.cursor.as_deref(), Some(limit)).await?;
        self.ended = page.next.is_none();
        self.cursor = page.next;
        Ok((page.authorizations, page.as_of))
    }
}
