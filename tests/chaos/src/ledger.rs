//! What the nodes have executed, as all of them tell it.

use std::collections::BTreeMap;

use precinto_checkers::client::Execution;
use precinto_client::{Client, types::BlockDetail};
use precinto_cluster_tests::{Network, audit};
use precinto_protocol::transaction::TransactionId;

use crate::told;

/// All that was executed, up to a height.
#[derive(Default)]
pub(crate) struct Ledger {
    height: u64,
    executed: Vec<(TransactionId, Execution)>,
}

impl Ledger {
    /// Reads on at every node, once all have arrived at one height, and asserts that they agree about
    /// every block that they have: a node that caught up by a snapshot has not all of them.
    pub(crate) async fn read_on(&mut self, network: &Network) {
        let ids = network.ids();
        let height = audit::assert_agreement(network, &ids).await;
        let mut known: BTreeMap<u64, BlockDetail> = BTreeMap::new();
        for id in ids {
            for block in blocks(&network.client(id), self.height + 1, height).await {
                let at = block.block.height;
                let first = known.entry(at).or_insert_with(|| block.clone());
                assert_eq!(*first, block, "node {id} has another block at height {at}");
            }
        }
        for at in self.height + 1..=height {
            let block = known.get(&at);
            let block = block.unwrap_or_else(|| panic!("no node has the block at height {at}"));
            self.executed.extend(executions(block));
        }
        self.height = height;
    }

    pub(crate) fn height(&self) -> u64 {
        self.height
    }

    pub(crate) fn executed(&self) -> impl Iterator<Item = (TransactionId, Execution)> {
        self.executed.iter().cloned()
    }
}

/// Those of the blocks from `from` to `to` that a node has.
async fn blocks(client: &Client, from: u64, to: u64) -> Vec<BlockDetail> {
    let mut blocks = Vec::new();
    for height in from..=to {
        match client.block(height).await {
            Ok(block) => blocks.push(block),
            Err(error) if error.code() == Some("unknown-block") => {}
            Err(error) => panic!("block {height}: {error}"),
        }
    }
    blocks
}

fn executions(block: &BlockDetail) -> impl Iterator<Item = (TransactionId, Execution)> {
    let height = block.block.height;
    block.transactions.iter().map(move |item| {
        let rejected = told::rejected(item.status, item.code.as_deref());
        (item.id, Execution { height, index: Some(item.index), rejected })
    })
}
