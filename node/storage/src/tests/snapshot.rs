//! Snapshots: the same bytes everywhere, and a ledger that goes on from them.

use std::fs;

use proptest::prelude::*;

use super::{
    InMemory, OnDisk, Place,
    chain::{Chain, Step, chain, commitment, step},
    conformance_ledger::{check_state, commit_all, own},
    for_all, identity,
};
use crate::{
    Applied, Ledger, RecordLogHead, StorageError,
    memory::MemoryDisk,
    snapshot::{Manifest, SNAPSHOT_CHUNK_BYTES, SnapshotFiles, SnapshotLoader, build},
};

pub(crate) fn snapshot_of(ledger: &Ledger) -> (Manifest, Vec<Vec<u8>>) {
    let mut chunks = Vec::new();
    let manifest = build(&ledger.view(), |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    (manifest.unwrap(), chunks)
}

fn load(manifest: &Manifest, chunks: &[Vec<u8>], old: &Ledger) -> Result<Ledger, StorageError> {
    let disk = MemoryDisk::new();
    let mut loader = SnapshotLoader::in_memory(&disk, identity(), manifest.clone())?;
    for (number, chunk) in chunks.iter().enumerate() {
        assert_eq!(loader.next_chunk(), Some(number));
        loader.put_chunk(chunk)?;
    }
    loader.verify(|_| Ok(()))?.take_over(old)?;
    disk.crash(0);
    Ledger::open_in_memory(&disk, &identity())
}

/// A ledger of `length` blocks, with the chain that made it.
fn ledger(length: u8) -> (Ledger, Chain) {
    let place = InMemory::default();
    let (_, ledger) = place.new_node();
    let chain = chain(length);
    commit_all(&ledger, &chain.blocks);
    (ledger, chain)
}

/// Entries larger than a few pages, so that there are several chunks.
fn large(chain: &mut Chain, ledger: &Ledger) {
    for round in 0..3u8 {
        let writes = (0..48).map(|number| (number, Some(vec![round; 32 * 1024]))).collect();
        ledger.commit_block(&chain.next(&Step { writes, ..Step::default() })).unwrap();
    }
}

#[test]
fn both_engines_cut_the_same_bytes_and_each_loads_the_other() {
    let (on_disk, in_memory) = (OnDisk::default(), InMemory::default());
    let ((_, real), (_, twin)) = (on_disk.new_node(), in_memory.new_node());
    let mut chain = chain(12);
    for ledger in [&real, &twin] {
        commit_all(ledger, &chain.blocks);
    }
    large(&mut chain.clone(), &real);
    large(&mut chain, &twin);
    // Commit indices differ between nodes and are in no snapshot.
    real.advance(Applied { index: 90, term: 9, commit: 91 }, b"members").unwrap();
    twin.advance(Applied { index: 90, term: 9, commit: 95 }, b"members").unwrap();
    let (manifest, chunks) = snapshot_of(&real);
    assert_eq!((manifest.clone(), chunks.clone()), snapshot_of(&twin));
    assert!(chunks.len() > 1 && chunks.iter().all(|chunk| chunk.len() <= SNAPSHOT_CHUNK_BYTES));
    let loaded = load(&manifest, &chunks, &ledger(1).0).unwrap();
    check_state(&loaded.view(), &chain).unwrap();
    let (head, expected) = (loaded.head().unwrap(), real.head().unwrap());
    assert_eq!(
        (head.block, head.frontier, head.membership),
        (expected.block, expected.frontier, expected.membership,)
    );
    assert_eq!(head.applied, Applied { index: 90, term: 9, commit: 90 });
}

#[test]
fn any_state_survives_the_journey_and_goes_on() {
    for_all(48, (prop::collection::vec(step(), 1..10), step()), |(steps, next)| {
        let place = InMemory::default();
        let (_, source) = place.new_node();
        let mut chain = Chain::default();
        for step in &steps {
            source.commit_block(&chain.next(step)).unwrap();
        }
        let (manifest, chunks) = snapshot_of(&source);
        prop_assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest.clone());
        let loaded = load(&manifest, &chunks, &ledger(1).0).unwrap();
        check_state(&loaded.view(), &chain)?;
        prop_assert_eq!(snapshot_of(&loaded), (manifest, chunks));
        // The next block builds on the frontier, whose nodes are there for proofs.
        let size = chain.leaves.len() as u64;
        for level in (0..20u8).filter(|level| size >> level & 1 == 1) {
            let index = (size >> level) - 1;
            let node = chain.nodes.iter().find(|node| (node.level, node.index) == (level, index));
            prop_assert_eq!(loaded.view().log_node(level, index).unwrap(), node.map(|n| n.hash));
        }
        loaded.commit_block(&chain.next(&next)).unwrap();
        check_state(&loaded.view(), &chain)
    });
}

#[test]
fn what_is_the_nodes_own_survives_a_snapshot() {
    let (source, _) = ledger(9);
    let (old, _) = ledger(2);
    old.save_own_checkpoint(&own(30, b"signed")).unwrap();
    old.save_peer_checkpoint(&crate::StoredCheckpoint { node: 1, ..own(31, b"peer") }).unwrap();
    let evidence = old.save_evidence(b"two roots at one size").unwrap();
    let (manifest, chunks) = snapshot_of(&source);
    let new = load(&manifest, &chunks, &old).unwrap();
    let refused = new.save_own_checkpoint(&own(30, b"another"));
    assert!(matches!(refused, Err(StorageError::ContradictsSigned { signed: 30, .. })));
    assert_eq!(new.view().last_checkpoint(1).unwrap().unwrap().size, 31);
    assert_eq!(new.view().evidence(None, 9).unwrap()[0].0, evidence);
    // Nothing is signed on the old one that the new one would not know of.
    let late = old.save_own_checkpoint(&own(40, b"late"));
    assert!(matches!(late, Err(StorageError::WritesDisabled)));
}

#[test]
fn a_chunk_that_is_not_the_listed_one_is_refused_and_can_be_put_again() {
    let (source, _) = ledger(5);
    let (manifest, chunks) = snapshot_of(&source);
    let disk = MemoryDisk::new();
    let mut loader = SnapshotLoader::in_memory(&disk, identity(), manifest).unwrap();
    let mut damaged = chunks[0].clone();
    damaged[9] ^= 1;
    for wrong in [&damaged[..], &chunks[0][1..], b""] {
        assert!(matches!(loader.put_chunk(wrong), Err(StorageError::BadSnapshot(_))));
    }
    loader.put_chunk(&chunks[0]).unwrap();
    assert_eq!(loader.next_chunk(), None);
    assert!(matches!(loader.put_chunk(&chunks[0]), Err(StorageError::BadSnapshot(_))));
    loader.verify(|_| Ok(())).unwrap().take_over(&ledger(1).0).unwrap();
}

/// A manifest a liar made: its chunks are the ones it lists, but are no snapshot.
fn forged(items: &[(u8, &[u8], &[u8])]) -> Result<Ledger, StorageError> {
    let (source, _) = ledger(2);
    let (mut manifest, _) = snapshot_of(&source);
    let mut chunk = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut chunk);
    encoder.array(items.len() as u64).unwrap();
    for (kind, key, value) in items {
        encoder.array(3).unwrap().u8(*kind).unwrap().bytes(key).unwrap().bytes(value).unwrap();
    }
    manifest.chunks = vec![precinto_protocol::hash::tagged("precinto/snapshot-chunk", &[&chunk])];
    load(&manifest, &[chunk], &ledger(1).0)
}

#[test]
fn forged_chunks_are_refused() {
    let entries = vec![b"entry".to_vec(); 2];
    let two = RecordLogHead { count: 2, commitment: commitment(&entries) };
    let two = precinto_protocol::cbor::encode(&two);
    let log: (u8, &[u8], &[u8]) = (1, b"k", &two);
    let other = (2u8, &b"\x01k\0\0\0\0\0\0\0\x01"[..], &b"ENTRY"[..]);
    let entry = |index: &'static [u8; 10]| (2u8, &index[..], &b"entry"[..]);
    let (first, second) = (entry(b"\x01k\0\0\0\0\0\0\0\0"), entry(b"\x01k\0\0\0\0\0\0\0\x01"));
    let third = entry(b"\x01k\0\0\0\0\0\0\0\x02");
    forged(&[(0, b"a", b""), (0, b"b", b""), log, first, second]).unwrap();
    for (what, items) in [
        ("order", vec![(0, &b"b"[..], &b""[..]), (0, b"a", b"")]),
        ("duplicate", vec![(0, b"a", b""), (0, b"a", b"")]),
        ("kinds out of order", vec![log, (0, b"a", b"")]),
        ("another entry", vec![log, first, other]),
        ("entry missing at the end", vec![log, first]),
        ("entry missing at the start", vec![log, second]),
        ("entry missing between", vec![log, first, third]),
        ("entry too many", vec![log, first, second, third]),
        ("entries missing", vec![log]),
        ("record log missing", vec![first, second]),
        ("no entry's key", vec![log, (2, b"\x05k", b"")]),
        ("unknown kind", vec![(3, b"a", b"")]),
    ] {
        let refused = forged(&items).err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert!(matches!(refused, StorageError::BadSnapshot(_)), "{what}: {refused}");
    }
}

#[test]
fn an_inconsistent_manifest_is_refused() {
    let (source, _) = ledger(4);
    let (manifest, _) = snapshot_of(&source);
    let refused = |change: fn(&mut Manifest)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        matches!(Manifest::decode(&changed.encode()), Err(StorageError::BadSnapshot(_)))
    };
    assert!(!refused(|_| {}));
    assert!(refused(|manifest| manifest.block.log_size += 1));
    assert!(refused(|manifest| manifest.block.log_root.0[0] ^= 1));
    assert!(refused(|manifest| manifest.applied.index = 1));
    assert!(Manifest::decode(b"\x80").is_err());
}

#[test]
fn files_serve_the_newest_snapshots_and_notice_damage() {
    let place = OnDisk::default();
    let (_, ledger) = place.new_node();
    let chain = chain(5);
    let parent = place.channel().snapshots();
    assert!(SnapshotFiles::open_newest(&parent).unwrap().is_none());
    commit_all(&ledger, &chain.blocks[..2]);
    for block in &chain.blocks[2..] {
        ledger.commit_block(block).unwrap();
        SnapshotFiles::build(&parent, &ledger.view()).unwrap();
    }
    SnapshotFiles::build(&parent, &ledger.view()).unwrap();
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 2, "old ones are removed");
    let files = SnapshotFiles::open_newest(&parent).unwrap().unwrap();
    let (manifest, chunks) = snapshot_of(&ledger);
    assert_eq!(files.manifest(), &manifest);
    assert_eq!(files.chunk(0).unwrap().as_ref(), Some(&chunks[0]));
    assert_eq!(files.chunk(1).unwrap(), None);
    let path = parent.join("snapshot-00000000000000000008").join("chunk-00000");
    fs::write(path, b"damage").unwrap();
    assert!(matches!(files.chunk(0), Err(StorageError::BadSnapshot(_))));
}
