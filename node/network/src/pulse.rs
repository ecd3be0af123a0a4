//! Whether a connection still carries anything: each side writes a byte to the other every second.
//!
//! Per connection, not per lane: an idle lane costs nothing, and a lane that waits for its
//! consumer is not mistaken for a dead one. The beats also keep middleboxes from forgetting the
//! connection.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

/// Time between two beats: many fit into [`SILENCE`].
const BEAT: Duration = Duration::from_secs(1);

/// How long a connection may carry no beat before it counts as lost. Above any pause of a healthy
/// process and of a slow link full of bulk; TCP alone takes a quarter of an hour.
pub const SILENCE: Duration = Duration::from_secs(10);

/// Beats until the stream breaks.
pub(crate) async fn beat(mut stream: Stream) {
    while stream.write_all(&[1]).await.is_ok() && stream.flush().await.is_ok() {
        sleep(BEAT).await;
    }
}

/// Listens to the stream on which the peer beats; returns when it falls silent, breaks, or never
/// comes.
pub(crate) async fn listen(stream: oneshot::Receiver<Stream>) {
    let Ok(Ok(mut stream)) = timeout(SILENCE, stream).await else {
        return;
    };
    let mut beats = [0; 64];
    while let Ok(Ok(1..)) = timeout(SILENCE, stream.read(&mut beats)).await {}
}
