//! Ids of requests: what a client quotes and an operator finds in the log.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Header that carries the id, in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken over from a client or proxy: a UUID and some prefix.
const MAX_LENGTH: usize = 64;

/// The id of a request: the one it came with, if it can be written to a log as it is, or a new one,
/// unlike any other of this node.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    given.filter(|id| is_plain(id)).map_or_else(new, str::to_owned)
}

fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=MAX_LENGTH).contains(&id.len()) && id.chars().all(plain)
}

fn new() -> String {
    static STARTED_MS: LazyLock<u128> = LazyLock::new(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
    });
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:x}-{:x}", *STARTED_MS, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The header that tells it.
pub(crate) fn header(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).expect("ids are plain")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let with = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(id));
            of(&headers)
        };
        assert_eq!(with("proxy-7f.A_1"), "proxy-7f.A_1");
        for bad in ["", "a b", "a\"b", "x".repeat(65).leak()] {
            let id = with(bad);
            assert!(id != bad && is_plain(&id), "{bad:?} became {id:?}");
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
