//! What the nodes have executed, as all of them tell it.

use precinto_checkers::client::Execution;
use precinto_client::types::{BlockDetail, Status};
use precinto_cluster_tests::{Network, audit};
use precinto_protocol::transaction::TransactionId;

/// All that was executed, up to a height.
#[derive(Default)]
pub(crate) struct Ledger {
    height: u64,
    executed: Vec<(TransactionId, Execution)>,
}

impl Ledger {
    /// Reads on at every node, once all have arrived at one height, and asserts that they agree.
    pub(crate) async fn read_on(&mut self, network: &Network) {
        let ids = network.ids();
        let height = audit::assert_agreement(network, &ids).await;
        let first = audit::blocks(&network.client(ids[0]), self.height + 1, height).await;
        for &id in &ids[1..] {
            let other = audit::blocks(&network.client(id), self.height + 1, height).await;
            audit::assert_same_blocks(&first, &other, (ids[0], id));
        }
        self.executed.extend(first.iter().flat_map(executions));
        self.height = height;
    }

    pub(crate) fn height(&self) -> u64 {
        self.height
    }

    pub(crate) fn executed(&self) -> impl Iterator<Item = (TransactionId, Execution)> {
        self.executed.iter().cloned()
    }
}

fn executions(block: &BlockDetail) -> impl Iterator<Item = (TransactionId, Execution)> {
    let height = block.block.height;
    block.transactions.iter().map(move |item| {
        let rejected =
            (item.status == Status::Rejected).then(|| item.code.clone().unwrap_or_default());
        (item.id, Execution { height, index: Some(item.index), rejected })
    })
}
