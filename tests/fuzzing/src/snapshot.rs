//! Snapshots: manifests as they come, and loading chunks that a manifest lists.

use minicbor::bytes::ByteVec;
use precinto_protocol::{
    cbor,
    hash::{Hash, tagged},
    log::Frontier,
    state::{Entry, StateKey, Trie},
};
use precinto_storage::{
    BlockSummary, Ledger, LedgerView, RecordLogHead, SnapshotMark, StorageError, StorageIdentity,
    memory::MemoryDisk,
    snapshot::{Manifest, SnapshotLoader, build},
};

use crate::take::Take;

/// Items of a snapshot at most.
const MOST_ITEMS: usize = 12;

/// Items of one chunk: few, so that there are several.
const CHUNK_ITEMS: usize = 4;

const IDENTITY: StorageIdentity =
    StorageIdentity { storage_id: [1; 16], node: 1, genesis: Hash([7; 32]) };

/// An item of a chunk as it is encoded: kind, key, value.
type Item = (u8, ByteVec, ByteVec);

/// A manifest is decoded, or one is made that lists the chunks the bytes describe; who lies in a
/// chunk is found out, and what is found good is a ledger.
pub(crate) fn snapshot(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert_eq!(manifest.encode(), bytes);
        drop(load(manifest, &[]));
    }
    let mut take = Take::new(bytes);
    let chunks = chunks(&mut take);
    let manifest = manifest(&chunks);
    let Ok(disk) = load(manifest.clone(), &chunks) else { return };
    let ledger = Ledger::open_in_memory(&disk, &IDENTITY).expect("a finished ledger opens");
    let head = ledger.head().expect("it has a head");
    assert_eq!((head.block, head.frontier), (manifest.block, manifest.frontier));
    let items = |chunks: &[Vec<u8>]| -> Vec<Item> {
        chunks.iter().flat_map(|chunk| cbor::decode::<Vec<Item>>(chunk).expect("items")).collect()
    };
    let mut rebuilt = Vec::new();
    let again = build(&ledger.view(), |chunk| {
        rebuilt.push(chunk.to_vec());
        Ok(())
    });
    again.expect("what was loaded can be handed on");
    assert_eq!(items(&rebuilt), items(&chunks));
}

fn load(manifest: Manifest, chunks: &[Vec<u8>]) -> Result<MemoryDisk, StorageError> {
    let (old, new) = (MemoryDisk::new(), MemoryDisk::new());
    let old = Ledger::create_in_memory(&old, IDENTITY)?;
    let mut loader = SnapshotLoader::in_memory(&new, IDENTITY, manifest)?;
    for chunk in chunks {
        loader.put_chunk(chunk)?;
    }
    loader.verify(check)?.take_over(&old)?;
    Ok(new)
}

/// What a node does before it uses a loaded ledger: the tree of the state.
fn check(view: &LedgerView) -> Result<(), StorageError> {
    let bad = |reason: &str| StorageError::BadSnapshot(reason.into());
    let mut entries = Vec::new();
    for item in view.state_entries() {
        let (key, value) = item?;
        entries.push((StateKey::from_bytes(&key).map_err(|_| bad("key"))?, Entry::plain(&value)));
    }
    for item in view.record_logs() {
        let (key, head) = item?;
        let log: Frontier = cbor::decode(&head.commitment).map_err(|_| bad("record log"))?;
        entries
            .push((StateKey::from_bytes(&key).map_err(|_| bad("key"))?, Entry::record_log(&log)));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let sorted = entries.iter().map(|(key, entry)| (key, *entry));
    Trie::from_sorted(sorted).map(drop).map_err(|_| bad("a key twice"))
}

/// Items as a snapshot holds them, or in another order, or other bytes.
fn chunks(take: &mut Take<'_>) -> Vec<Vec<u8>> {
    let mut items = take.list(MOST_ITEMS, item);
    if take.below(4) != 3 {
        items.sort();
        items.dedup_by(|(kind, key, _), (before, former, _)| (kind, key) == (before, former));
    }
    let mut chunks: Vec<Vec<u8>> =
        items.chunks(CHUNK_ITEMS).map(|items| cbor::encode(&items.to_vec())).collect();
    if take.below(8) == 7 {
        chunks.push(take.bytes(64));
    }
    chunks
}

fn item(take: &mut Take<'_>) -> Item {
    let key =
        StateKey::new(2).component(&[take.below(4) as u8]).expect("short").as_bytes().to_vec();
    let (kind, key, value) = match take.below(4) {
        0 => (0, key, take.bytes(8)),
        1 => {
            let mut log = Frontier::new();
            let count = take.below(4);
            (0..count).for_each(|_| log.append(Hash(take.any())));
            let head = RecordLogHead { count: count as u64, commitment: cbor::encode(&log) };
            (1, key, cbor::encode(&head))
        }
        2 => {
            let index = take.below(4) as u64;
            let key = [&[key.len() as u8][..], &key, &index.to_be_bytes()].concat();
            (2, key, take.bytes(8))
        }
        _ => (take.below(4) as u8, take.bytes(12), take.bytes(12)),
    };
    (kind, key.into(), value.into())
}

fn manifest(chunks: &[Vec<u8>]) -> Manifest {
    let hashes: Vec<Hash> =
        chunks.iter().map(|chunk| tagged("precinto/snapshot-chunk", &[chunk])).collect();
    let frontier = Frontier::new();
    let block = BlockSummary {
        height: 1,
        raft_index: 1,
        raft_term: 1,
        content: Hash::ZERO,
        time_ms: 1,
        state_root: Hash::ZERO,
        log_size: frontier.size(),
        log_root: frontier.root(),
        outcomes: 0,
        events: 0,
    };
    let applied = SnapshotMark { index: 1, term: 1 };
    let membership = ByteVec::from(Vec::new());
    let version = 1_u32;
    let encoded = cbor::encode(&(version, block, applied, frontier, membership, hashes));
    Manifest::decode(&encoded).expect("a manifest is an array of these")
}
