//! The suites: one of conformance on both engines, and what only one of them can do.

mod chain;
mod conformance_ledger;
mod conformance_raft;
mod disk;
mod memory;
mod snapshot;
mod swap;
mod verify;

use precinto_protocol::hash::{Hash, sha256};
use tempfile::TempDir;

use crate::{ChannelDirectory, Ledger, RaftLog, StorageError, StorageIdentity, memory::MemoryDisk};

pub(crate) fn genesis() -> Hash {
    sha256(&[b"genesis"])
}

pub(crate) fn identity() -> StorageIdentity {
    StorageIdentity { storage_id: [7; 16], node: 3, genesis: genesis() }
}

/// Where a node's storage lives: both engines offer the same.
pub(crate) trait Place: Default {
    /// Cases of a property test that are affordable here.
    const CASES: u32;
    fn create(&self, identity: StorageIdentity) -> Result<(RaftLog, Ledger), StorageError>;
    fn open(&self, node: u64, genesis: &Hash) -> Result<(RaftLog, Ledger), StorageError>;

    fn new_node(&self) -> (RaftLog, Ledger) {
        self.create(identity()).unwrap()
    }

    fn reopen(&self) -> (RaftLog, Ledger) {
        self.open(identity().node, &genesis()).unwrap()
    }
}

#[derive(Default)]
pub(crate) struct InMemory {
    pub(crate) raft: MemoryDisk,
    pub(crate) ledger: MemoryDisk,
}

impl Place for InMemory {
    const CASES: u32 = 128;

    fn create(&self, identity: StorageIdentity) -> Result<(RaftLog, Ledger), StorageError> {
        let raft_log = RaftLog::create_in_memory(&self.raft, identity)?;
        Ok((raft_log, Ledger::create_in_memory(&self.ledger, identity)?))
    }

    fn open(&self, node: u64, genesis: &Hash) -> Result<(RaftLog, Ledger), StorageError> {
        let raft_log = RaftLog::open_in_memory(&self.raft, node, genesis)?;
        let ledger = Ledger::open_in_memory(&self.ledger, raft_log.identity())?;
        Ok((raft_log, ledger))
    }
}

pub(crate) struct OnDisk {
    pub(crate) directory: TempDir,
}

impl Default for OnDisk {
    fn default() -> OnDisk {
        OnDisk { directory: tempfile::tempdir().unwrap() }
    }
}

impl OnDisk {
    pub(crate) fn channel(&self) -> ChannelDirectory {
        ChannelDirectory::new(self.directory.path().join("channel"))
    }
}

impl Place for OnDisk {
    const CASES: u32 = 8;

    fn create(&self, identity: StorageIdentity) -> Result<(RaftLog, Ledger), StorageError> {
        self.channel().create(identity)
    }

    fn open(&self, node: u64, genesis: &Hash) -> Result<(RaftLog, Ledger), StorageError> {
        self.channel().open(node, genesis)
    }
}

/// Runs each generic test of a suite on both engines.
macro_rules! on_both_engines {
    ($($test:ident $(panics $message:literal)?;)*) => {
        mod in_memory {
            $(#[test] $(#[should_panic(expected = $message)])?
            fn $test() { super::$test::<crate::tests::InMemory>(); })*
        }
        mod on_disk {
            $(#[test] $(#[should_panic(expected = $message)])?
            fn $test() { super::$test::<crate::tests::OnDisk>(); })*
        }
    };
}
pub(crate) use on_both_engines;

/// Runs `test` on values of `strategy`; a failure prints the smallest one.
pub(crate) fn for_all<S: proptest::strategy::Strategy>(
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), proptest::test_runner::TestCaseError>,
) {
    use proptest::test_runner::{Config, TestRunner};
    let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
    TestRunner::new(config).run(&strategy, test).unwrap_or_else(|error| panic!("{error}"));
}

/// A node without storage is told from one that is another's, on both engines.
fn storage_is_created_once_and_opened_by_its_owner_only<P: Place>() {
    let place = P::default();
    assert!(matches!(place.open(3, &genesis()), Err(StorageError::Missing { .. })));
    let (raft_log, ledger) = place.new_node();
    assert_eq!((raft_log.storage_id(), ledger.identity()), ([7; 16], &identity()));
    drop((raft_log, ledger));
    assert!(matches!(place.create(identity()), Err(StorageError::Exists { .. })));
    for (node, network, expected) in [(4, genesis(), "node"), (3, sha256(&[b"another"]), "network")]
    {
        match place.open(node, &network) {
            Err(StorageError::Foreign { what, .. }) => assert_eq!(what, expected),
            other => panic!("{:?}", other.err()),
        }
    }
    place.reopen();
}

on_both_engines! {
    storage_is_created_once_and_opened_by_its_owner_only;
}
