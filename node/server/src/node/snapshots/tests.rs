//! The parts of snapshots, each with real files or connections; the whole is tested on clusters.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use precinto_network::{Hello, Inbox, Network, NetworkConfig, NetworkHandle, Peer};
use precinto_protocol::{hash::Hash, keys::SigningKey, log::Frontier, membership::Membership};
use precinto_storage::{
    Applied, BlockBatch, BlockSummary, LedgerInstall, StorageIdentity,
    snapshot::{SnapshotFiles, build},
};
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

const IDENTITY: StorageIdentity =
    StorageIdentity { storage_id: [1; 16], node: 1, genesis: Hash([7; 32]) };

const NOW: Duration = Duration::ZERO;

/// A channel on disk with its genesis.
struct Place {
    temporary: TempDir,
    directory: ChannelDirectory,
    raft_log: RaftLog,
    ledger: Ledger,
}

impl Place {
    fn new() -> Place {
        let temporary = tempfile::tempdir().unwrap();
        let directory = ChannelDirectory::new(temporary.path().join("channel"));
        let (raft_log, ledger) = directory.create(IDENTITY).unwrap();
        let genesis = BlockSummary {
            height: 0,
            raft_index: 0,
            raft_term: 0,
            content: Hash::ZERO,
            time_ms: 0,
            state_root: Hash::ZERO,
            log_size: 0,
            log_root: Frontier::new().root(),
            outcomes: 0,
            events: 0,
        };
        let batch = BlockBatch {
            summary: genesis,
            commit_index: 0,
            block: Vec::new(),
            state_writes: vec![(b"key".to_vec(), Some(b"value".to_vec()))],
            record_logs: Vec::new(),
            leaves: Vec::new(),
            log_nodes: Vec::new(),
            outcomes: Vec::new(),
            events: Vec::new(),
            frontier: Frontier::new(),
            membership: membership(),
        };
        ledger.commit_block(&batch).unwrap();
        Place { temporary, directory, raft_log, ledger }
    }

    /// The ledger moves on to the Raft entry at `index`.
    fn advance(&self, index: u64) {
        self.ledger.advance(Applied { index, term: 1, commit: index }, &membership()).unwrap();
    }

    /// A snapshot of the same ledger, but at `index`.
    fn snapshot_at(&self, index: u64) -> (Manifest, Vec<Vec<u8>>) {
        let mut chunks = Vec::new();
        let manifest = build(&self.ledger.view(), |chunk| {
            chunks.push(chunk.to_vec());
            Ok(())
        });
        let mut manifest = manifest.unwrap();
        manifest.applied = precinto_storage::SnapshotMark { index, term: 1 };
        (manifest, chunks)
    }

    /// Begins to install a snapshot at `index`, as if a peer had offered it.
    fn begin(&self, staging: &Staging<()>, index: u64) -> LedgerInstall {
        let (manifest, chunks) = self.snapshot_at(index);
        let mut install = staging.begin(&self.directory, IDENTITY, manifest).unwrap();
        chunks.iter().for_each(|chunk| install.loader().put_chunk(chunk).unwrap());
        install
    }

    /// The ledgers on disk.
    fn ledgers(&self) -> Vec<String> {
        let names = fs::read_dir(self.temporary.path().join("channel")).unwrap();
        let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
        let mut ledgers: Vec<_> = names.filter(|name| name.starts_with("ledger-")).collect();
        ledgers.sort_unstable();
        ledgers
    }
}

fn checked(install: LedgerInstall) -> Staged<()> {
    Staged { ledger: install.verify(|_| Ok(())).unwrap(), executor: () }
}

fn membership() -> Vec<u8> {
    cbor::encode(&Membership { voters: [1].into(), ..Membership::default() })
}

fn mark(index: u64) -> SnapshotMark {
    SnapshotMark { index, term: 1 }
}

fn bytes(served: Served) -> Vec<u8> {
    match served {
        Served::Chunk { bytes, .. } => bytes,
        Served::Gone => panic!("it is served"),
    }
}

fn chunk_file(parent: &Path, index: u64) -> std::path::PathBuf {
    parent.join(format!("snapshot-{index:020}")).join("chunk-00000")
}

#[test]
fn the_two_newest_snapshots_are_served_and_the_newest_again_after_a_restart() {
    let place = Place::new();
    let parent = place.directory.snapshots();
    let serving = Serving::default();
    assert!(serving.reopen(&parent).unwrap().is_none());
    for index in 1..=3 {
        place.advance(index);
        let source = serving.build(&parent, &place.ledger.view()).unwrap();
        assert_eq!(source.mark, mark(index));
        let manifest = Manifest::decode(&source.manifest).unwrap();
        assert_eq!(manifest.applied.index, index);
    }
    assert_eq!(serving.chunk(1, 0).unwrap(), Served::Gone);
    let expected = place.snapshot_at(3).1;
    assert_eq!(expected.len(), 1);
    for index in [2, 3] {
        let served = serving.chunk(index, 0).unwrap();
        assert_eq!(served, Served::Chunk { bytes: expected[0].clone(), last: true });
        assert_eq!(serving.chunk(index, 1).unwrap(), Served::Gone);
    }
    let restarted = Serving::default();
    assert_eq!(restarted.reopen(&parent).unwrap().unwrap().mark, mark(3));
    assert_eq!(bytes(restarted.chunk(3, 0).unwrap()), expected[0]);
    assert_eq!(restarted.chunk(2, 0).unwrap(), Served::Gone);
}

#[test]
fn a_snapshot_of_the_same_moment_is_not_made_again() {
    let place = Place::new();
    let parent = place.directory.snapshots();
    let serving = Serving::default();
    place.advance(1);
    let first = serving.build(&parent, &place.ledger.view()).unwrap();
    // Whoever reads the files meanwhile does not lose them.
    fs::write(chunk_file(&parent, 1), b"a mark").unwrap();
    let again = serving.build(&parent, &place.ledger.view()).unwrap();
    assert_eq!((again.mark, again.manifest), (first.mark, first.manifest));
    assert_eq!(fs::read(chunk_file(&parent, 1)).unwrap(), b"a mark");
}

#[test]
fn a_damaged_snapshot_is_an_error_once_and_can_be_made_again() {
    let place = Place::new();
    let parent = place.directory.snapshots();
    let serving = Serving::default();
    place.advance(1);
    serving.build(&parent, &place.ledger.view()).unwrap();
    let good = bytes(serving.chunk(1, 0).unwrap());
    fs::write(chunk_file(&parent, 1), b"damage").unwrap();
    assert!(serving.chunk(1, 0).is_err());
    assert_eq!(serving.chunk(1, 0).unwrap(), Served::Gone);
    serving.build(&parent, &place.ledger.view()).unwrap();
    assert_eq!(bytes(serving.chunk(1, 0).unwrap()), good);
}

#[test]
fn a_snapshot_is_of_one_moment_while_the_ledger_goes_on() {
    let place = Place::new();
    place.advance(1);
    let view = place.ledger.view();
    place.advance(2);
    let source = Serving::default().build(&place.directory.snapshots(), &view).unwrap();
    assert_eq!(source.mark, mark(1));
    let newest = SnapshotFiles::open_newest(&place.directory.snapshots()).unwrap().unwrap();
    assert_eq!(newest.manifest().encode(), source.manifest);
}

#[test]
fn only_what_is_staged_is_handed_out_and_only_once() {
    let place = Place::new();
    let staging = Staging::<()>::default();
    let install = place.begin(&staging, 5);
    staging.stage(mark(5), checked(install));
    assert!(staging.take(SnapshotMark { index: 5, term: 2 }).is_none());
    staging.discard(4);
    assert!(staging.take(mark(5)).is_some());
    assert!(staging.take(mark(5)).is_none());
    let install = place.begin(&staging, 6);
    staging.stage(mark(6), checked(install));
    staging.discard(6);
    assert!(staging.take(mark(6)).is_none());
}

#[test]
fn a_manifest_of_another_entry_or_group_is_false() {
    let place = Place::new();
    place.advance(5);
    let (manifest, _) = place.snapshot_at(5);
    let offer = |index, voter: NodeId| SnapshotOffer {
        from: 2,
        mark: mark(index),
        membership: Membership { voters: [voter].into(), ..Membership::default() },
        manifest: manifest.encode(),
    };
    assert_eq!(manifest_of(&offer(5, 1)).unwrap(), manifest);
    for false_one in [offer(6, 1), offer(5, 2)] {
        assert!(matches!(manifest_of(&false_one), Err(StorageError::BadSnapshot(_))));
    }
}

#[test]
fn only_who_sent_a_false_snapshot_is_not_asked_for_a_while() {
    let refused = Refused::default();
    refused.note(2);
    assert!(refused.lately(2) && !refused.lately(3));
}

#[test]
fn a_new_download_ends_the_one_before_and_leaves_nothing_of_it() {
    let place = Place::new();
    let staging = Staging::<()>::default();
    // Given up half-way, staged, and staged again at the same entry.
    drop(place.begin(&staging, 5));
    assert_eq!(place.ledgers(), ["ledger-0", "ledger-5.tmp"]);
    let install = place.begin(&staging, 6);
    staging.stage(mark(6), checked(install));
    assert_eq!(place.ledgers(), ["ledger-0", "ledger-6.tmp"]);
    let install = place.begin(&staging, 6);
    assert!(staging.take(mark(6)).is_none(), "an earlier one is over");
    staging.stage(mark(6), checked(install));
    let install = staging.take(mark(6)).unwrap();
    drop(install.ledger.activate(&place.raft_log, &place.ledger).unwrap());
}

#[test]
fn the_replaced_ledger_is_removed_after_a_while_and_a_download_never() {
    let place = Place::new();
    let staging = Staging::<()>::default();
    let sweep = |grace| staging.sweep(&place.directory, grace).unwrap();
    let install = place.begin(&staging, 5);
    sweep(NOW);
    staging.stage(mark(5), checked(install));
    sweep(NOW);
    assert_eq!(place.ledgers(), ["ledger-0", "ledger-5.tmp"]);
    let install = staging.take(mark(5)).unwrap();
    let ledger = install.ledger.activate(&place.raft_log, &place.ledger).unwrap();
    staging.installed();
    sweep(GRACE);
    assert_eq!(place.ledgers(), ["ledger-0", "ledger-5"], "it may still be read");
    // The next download begins before the grace is over: it is not swept away with it.
    let install = place.begin(&staging, 9);
    assert_eq!(place.ledgers(), ["ledger-5", "ledger-9.tmp"]);
    sweep(NOW);
    assert_eq!(place.ledgers(), ["ledger-5", "ledger-9.tmp"]);
    drop(install);
    staging.installed();
    sweep(NOW);
    assert_eq!(place.ledgers(), ["ledger-5"]);
    assert_eq!(ledger.view().state(b"key").unwrap(), Some(b"value".to_vec()));
}

async fn network(node: NodeId) -> (NetworkHandle, Inbox) {
    let hello = Hello {
        genesis: IDENTITY.genesis,
        protocol_version: 1,
        engine_fingerprint: Hash::ZERO,
        node,
        storage_id: [node as u8; 16],
    };
    let identity = SigningKey::from_seed(&[node as u8; 32]);
    let listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    Network::start(NetworkConfig { identity, listen, hello }, Vec::new()).await.unwrap()
}

#[tokio::test]
async fn a_chunk_is_asked_for_again_until_it_comes_or_is_gone() {
    let (asker, _unread) = network(1).await;
    let (server, mut inbox) = network(2).await;
    let peers: Vec<Peer> = [(1, &asker), (2, &server)]
        .map(|(node, handle)| Peer {
            node,
            network_key: SigningKey::from_seed(&[node as u8; 32]).public().to_bytes(),
            addresses: vec![handle.listen_addresses()[0].to_string()],
            storage_id: None,
        })
        .into();
    server.set_peers(peers.clone()).await.unwrap();
    asker.set_peers(peers).await.unwrap();
    // Not connected yet: the first attempts may find nobody.
    let chunks = Chunks { network: &asker, from: 2, index: 9 };
    let answers = async {
        for answer in [None, Some(b"chunk".to_vec()), Some(Vec::new())] {
            let request = inbox.snapshots.recv().await.unwrap();
            let asked: SnapshotRequest = cbor::decode(&request.body).unwrap();
            assert!(matches!(asked, SnapshotRequest::Chunk { index: 9, chunk: 3 }));
            if let Some(answer) = answer {
                request.respond.respond(answer).unwrap();
            }
        }
    };
    let asking = async {
        assert_eq!(chunks.fetch(3).await.unwrap(), &b"chunk"[..]);
        assert!(chunks.fetch(3).await.unwrap_err().to_string().contains("no longer"));
    };
    timeout(Duration::from_secs(30), async { tokio::join!(answers, asking) }).await.unwrap();
}
