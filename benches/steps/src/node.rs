//! The node's storage and execution, without its threads.

use precinto_consensus::Committed;
use precinto_core::{
    LedgerCell,
    apply::{Applier, prepare},
    open,
};
use precinto_execution::precheck;
use precinto_protocol::block::Block;
use precinto_storage::{ChannelDirectory, Ledger, RaftLog, StorageIdentity};
use tempfile::TempDir;

use crate::{BLOCK_TRANSACTIONS, Network};

/// A network's node on disk.
pub struct Node {
    /// Executes and commits.
    pub applier: Applier,
    /// Its ledger.
    pub ledger: Ledger,
    /// Its Raft log.
    pub raft_log: RaftLog,
    /// Where they are.
    pub directory: TempDir,
}

impl Node {
    /// The node of `network`, before its first block, in a temporary directory.
    ///
    /// # Panics
    /// If storage fails.
    pub fn new(network: &Network) -> Node {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let identity =
            StorageIdentity { storage_id: [1; 16], node: 1, genesis: network.genesis.hash() };
        let channel = ChannelDirectory::new(directory.path().join("data"));
        let (raft_log, ledger) = channel.create(identity).expect("storage");
        let executor = open::open(&ledger, &network.genesis, &network.tools).expect("a genesis");
        let applier = Applier::new(executor, LedgerCell::new(ledger.clone()));
        Node { applier, ledger, raft_log, directory }
    }

    /// The same with at least `records` certifications on the ledger.
    ///
    /// # Panics
    /// If storage fails.
    pub fn with_records(network: &mut Network, records: u64) -> Node {
        let mut node = Node::new(network);
        while network.made() < records {
            let block = network.block(10 * BLOCK_TRANSACTIONS);
            node.apply(network, &block);
        }
        node
    }

    /// A committed block goes the whole way: decoded, its signatures checked, executed, written.
    ///
    /// # Panics
    /// If that fails.
    pub fn apply(&mut self, network: &Network, block: &Block) {
        let entry = committed(block);
        let keys = &network.tools.keys;
        let job = prepare(entry, |items| items.iter().map(|item| precheck(item, keys)).collect());
        self.applier.apply(job).expect("a block is executed");
    }
}

/// A block as the replica hands it out.
pub fn committed(block: &Block) -> Committed {
    let (index, term) = (block.header.raft_index, block.header.term);
    Committed { index, term, block: block.encode(), change: None }
}
