//! Asking a peer for the chunks of a snapshot.

use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{cbor, identity::NodeId};
use tokio::time::{Instant, sleep};

use super::super::messages::SnapshotRequest;

/// How long a peer may take to answer with one chunk.
const CHUNK_WITHIN: Duration = Duration::from_secs(10);

/// Pause before a chunk is asked for again.
const CHUNK_PAUSE: Duration = Duration::from_millis(500);

/// How long one chunk is asked for before the download is given up: as long as a peer takes to
/// start anew.
const CHUNK_PATIENCE: Duration = Duration::from_secs(20);

/// A snapshot that a peer has.
pub(super) struct Chunks<'a> {
    /// The peers.
    pub network: &'a NetworkHandle,
    /// Who has it.
    pub from: NodeId,
    /// Its Raft index.
    pub index: u64,
}

impl Chunks<'_> {
    /// Fetches one chunk, unchecked.
    ///
    /// # Errors
    /// The peer has the snapshot no longer, or does not answer in time.
    pub(super) async fn fetch(&self, chunk: u32) -> anyhow::Result<Bytes> {
        let request = cbor::encode(&SnapshotRequest::Chunk { index: self.index, chunk });
        let give_up = Instant::now() + CHUNK_PATIENCE;
        loop {
            let (lane, body) = (RequestLane::Snapshot, request.clone());
            match self.network.request(self.from, lane, body, CHUNK_WITHIN).await {
                Ok(bytes) if bytes.is_empty() => bail!("the peer has the snapshot no longer"),
                Ok(bytes) => return Ok(bytes),
                Err(error) if Instant::now() >= give_up => {
                    bail!("chunk {chunk} did not arrive: {error}")
                }
                Err(error) => tracing::debug!(chunk, %error, "a chunk did not arrive"),
            }
            sleep(CHUNK_PAUSE).await;
        }
    }
}
