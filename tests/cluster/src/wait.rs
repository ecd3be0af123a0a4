//! Waiting for conditions.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pause between two looks: short against anything a test waits for.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` until it answers; panics with `what` when it has not within `within`.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        sleep(PAUSE).await;
    }
}
