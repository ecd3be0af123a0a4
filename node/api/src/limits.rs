//! Limits of the HTTP interface, each with its reason. None is consensus-relevant.

use std::time::Duration;

/// A request's body, in bytes: a thousand ordinary transactions in base64, four blocks' worth.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Transactions or rows in one request: half a block, so that one request cannot fill one.
pub const MAX_BATCH: usize = 1_000;

/// Items of one page of a listing: what a screen or a script step wants at once.
pub const MAX_PAGE: u32 = 100;

/// Items of a page when the request does not say.
pub const DEFAULT_PAGE: u32 = 50;

/// Calls of the contract that one page of a filtered list may take: each runs some ten milliseconds at
/// most, so that a filter that finds little is answered in a fifth of a second, with a cursor to go on.
pub const MAX_LIST_CALLS: usize = 20;

/// Requests being served at once, most of them waiting for a commit; with [`MAX_BODY_BYTES`] this
/// bounds what bodies hold in memory (a body is read only after the account is known). Beyond it
/// requests are refused with `overloaded`, not queued. Health checks do not count.
pub const MAX_REQUESTS: usize = 1_024;

/// Connections held open; further ones wait in the listener's backlog.
pub const MAX_CONNECTIONS: usize = 2_048;

/// Event streams held open: each costs a task and up to [`EVENT_BUFFER`] events.
pub const MAX_EVENT_STREAMS: usize = 128;

/// Events buffered per stream between the ledger and the client's socket.
pub const EVENT_BUFFER: usize = 64;

/// Events read from the node at once.
pub const EVENT_PAGE: usize = 256;

/// How long a stream's full buffer may stay full before the client counts as too slow.
pub const SLOW_CLIENT: Duration = Duration::from_secs(15);

/// Interval of the comments that keep an idle event stream alive through proxies (which commonly
/// cut at 60 s or 30 s).
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Longest `timeout_ms` of a request that waits.
pub const MAX_WAIT: Duration = Duration::from_secs(30);

/// How long a request waits when it does not say.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// Deadline of a request as a whole: beyond [`MAX_WAIT`], so that a waiting request is answered.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(35);

/// How long a client may take to send a request's headers (slow-header attacks hold connections).
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long open requests may take to end after shutdown began.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A node whose execution is more blocks behind its commit index than this is not ready.
pub const MAX_READY_LAG: u64 = 64;
