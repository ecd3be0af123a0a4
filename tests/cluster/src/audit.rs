//! Whether the nodes agree, and nothing acknowledged is lost or doubled.

use std::{collections::BTreeMap, time::Duration};

use precinto_client::{
    Client,
    types::{BlockDetail, Status},
};
use precinto_protocol::{hash::Hash, transaction::TransactionId};

use crate::{load::Acknowledged, network::Network, wait::eventually};

/// How long nodes may take to arrive at one height once nothing is written any more.
const AGREE_WITHIN: Duration = Duration::from_secs(30);

/// A ledger's end: height, size and root of the log, root of the state.
type End = (u64, u64, Hash, Hash);

/// Waits until these nodes have executed the same blocks, asserts that they have the same roots,
/// and gives their height.
pub async fn assert_agreement(network: &Network, ids: &[u64]) -> u64 {
    let what = format!("nodes {ids:?} arrive at one height");
    let ends = eventually(&what, AGREE_WITHIN, async || {
        let mut ends: Vec<(u64, End)> = Vec::new();
        for &id in ids {
            let status = network.client(id).status().await.ok()?;
            assert_eq!(status.halted, None, "node {id} halted");
            let height = status.as_of.height;
            ends.push((id, (height, status.log_size, status.log_root, status.state_root)));
        }
        let same_height = ends.windows(2).all(|pair| pair[0].1.0 == pair[1].1.0);
        same_height.then_some(ends)
    })
    .await;
    for (id, end) in &ends {
        assert_eq!(*end, ends[0].1, "nodes {id} and {} disagree: {ends:?}", ends[0].0);
    }
    ends[0].1.0
}

/// Asserts that these nodes agree, block by block, and that every acknowledged transaction is
/// committed on each of them exactly once, where it was said to be.
pub async fn assert_nothing_lost(network: &Network, ids: &[u64], acknowledged: &[Acknowledged]) {
    assert!(!acknowledged.is_empty(), "nothing was acknowledged: nothing is shown");
    let height = assert_agreement(network, ids).await;
    let first = blocks(&network.client(ids[0]), 1, height).await;
    for &id in &ids[1..] {
        let other = blocks(&network.client(id), 1, height).await;
        assert_same_blocks(&first, &other, (ids[0], id));
    }
    let executed = executed(&first);
    for one in acknowledged {
        let places = executed.get(&one.id).map_or(&[][..], Vec::as_slice);
        let expected = [(one.height, Status::Committed)];
        assert_eq!(places, expected, "where {} was executed", one.id);
    }
    for (id, places) in &executed {
        assert_eq!(places.len(), 1, "{id} was executed more than once: {places:?}");
    }
}

/// The blocks from `from` to `to`, with their transactions.
pub async fn blocks(client: &Client, from: u64, to: u64) -> Vec<BlockDetail> {
    let mut blocks = Vec::new();
    for height in from..=to {
        let block = client.block(height).await;
        blocks.push(block.unwrap_or_else(|error| panic!("block {height}: {error}")));
    }
    blocks
}

/// Asserts that two nodes have the same blocks.
pub fn assert_same_blocks(one: &[BlockDetail], other: &[BlockDetail], nodes: (u64, u64)) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        let height = one.block.height;
        assert_eq!(one, other, "nodes {nodes:?} have different blocks at height {height}");
    }
}

/// Where each transaction was executed (a height), and what became of it there.
fn executed(blocks: &[BlockDetail]) -> BTreeMap<TransactionId, Vec<(u64, Status)>> {
    let mut executed: BTreeMap<TransactionId, Vec<(u64, Status)>> = BTreeMap::new();
    for block in blocks {
        for item in &block.transactions {
            executed.entry(item.id).or_default().push((block.block.height, item.status));
        }
    }
    executed
}
