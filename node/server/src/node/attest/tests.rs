//! Attestation over real connections, with made-up blocks.

mod world;

use precinto_protocol::{
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    hash::Hash,
    keys::PublicKey,
};
use precinto_storage::{
    Ledger, StorageError,
    memory::MemoryDisk,
    snapshot::{SnapshotLoader, build},
};

use precinto_core::{
    attest::{Contradiction, stored},
    boundary::{Boundary, boundary},
};

use crate::node::halt::WritesStopped;
use world::{
    LEAVES, ORIGIN, Place, SUBJECT, World, attestation_key, false_root, gossip, identity, nodes,
    signed, until,
};

fn verifies(signed: &SignedCheckpoint) -> bool {
    let node = nodes().into_iter().find(|node| node.id == signed.node).unwrap();
    signed.verify(&PublicKey::from_bytes(&node.attestation_key).unwrap())
}

#[tokio::test]
async fn a_new_height_is_signed_and_safe_before_a_peer_hears_of_it() {
    let mut world = World::start(Place::new(), &[2]).await;
    world.grow();
    let expected = world.grow();
    let heard = world.hear(2, expected.size).await;
    assert_eq!((heard.checkpoint, heard.node), (expected, SUBJECT));
    assert!(verifies(&heard));
    // A power failure at this moment forgets nothing of it.
    world.place.disk.crash(0);
    let reopened = Ledger::open_in_memory(&world.place.disk, &identity()).unwrap();
    let kept = reopened.view().last_checkpoint(SUBJECT).unwrap();
    assert_eq!(kept, Some(stored(&heard)));
    let beside = stored(&signed(SUBJECT, false_root(expected, 1)));
    let refused = reopened.save_own_checkpoint(&beside);
    assert!(matches!(refused, Err(StorageError::ContradictsSigned { .. })));
}

#[tokio::test]
async fn after_a_restart_it_tells_the_same_and_signs_only_larger_ones() {
    let mut world = World::start(Place::new(), &[2]).await;
    let first = world.grow();
    let before = world.hear(2, first.size).await;
    let place = world.stop().await;

    let mut world = World::start(place, &[2]).await;
    assert_eq!(world.hear(2, first.size).await, before, "told again, not signed again");
    let second = world.grow();
    assert_eq!(world.hear(2, second.size).await.checkpoint, second);
    assert_eq!(world.signed(), 1);
    let mut place = world.stop().await;

    // Executed, but not signed before the node ended.
    let third = place.grow();
    let mut world = World::start(place, &[2]).await;
    assert_eq!(world.hear(2, third.size).await.checkpoint, third);
}

#[tokio::test]
async fn what_storage_refuses_to_sign_halts_the_node() {
    for lie in [|c| false_root(c, 9), |c: Checkpoint| Checkpoint { size: c.size + 1, ..c }] {
        let mut place = Place::new();
        let executed = place.grow();
        let before = signed(SUBJECT, lie(executed));
        place.ledger.save_own_checkpoint(&stored(&before)).unwrap();
        let mut world = World::start(place, &[2]).await;
        until(|| world.halt.reason().is_some()).await;
        assert!(world.halt.reason().unwrap().contains("own inconsistency"));
        // Nor does it sign what storage would let it.
        world.grow_attended(2).await;
        assert_eq!(world.signed(), 0);
        assert_eq!(world.place.last_signed(), Some(before.checkpoint.size));
    }
}

#[tokio::test]
async fn agreeing_checkpoints_are_kept_and_those_ahead_wait() {
    let mut world = World::start(Place::new(), &[2, 3]).await;
    let first = world.grow();
    world.say(2, first);
    until(|| world.place.has(2, &first)).await;
    // Node 2 is ahead of this node; node 3 lies about the same size.
    let ahead = world.place.ahead();
    world.say(3, false_root(ahead, 9));
    world.grow_attended(2).await;
    until(|| world.alarms("contradiction") == 1).await;
    assert_eq!(world.place.evidence().len(), 1);
    assert!(world.place.ledger.view().last_checkpoint(3).unwrap().is_none());
    assert_eq!(world.halt.reason(), None);
}

#[tokio::test]
async fn a_minority_that_contradicts_is_on_record_and_the_node_goes_on() {
    let mut world = World::start(Place::new(), &[2, 3]).await;
    let size = world.grow();
    world.hear(3, size.size).await;
    world.say(2, false_root(size, 9));
    // Told again, it is no news.
    world.say(2, false_root(size, 9));
    world.say(2, size);
    until(|| world.place.has(2, &size)).await;
    assert_eq!(world.alarms("contradiction"), 1);
    let evidence = world.place.evidence();
    assert_eq!(evidence.len(), 1);
    let Contradiction { ours, theirs } = cbor::decode(&evidence[0]).unwrap();
    assert!(verifies(&ours) && verifies(&theirs));
    assert_eq!((ours.node, theirs.node), (SUBJECT, 2));
    assert!(ours.checkpoint.conflicts_with(&theirs.checkpoint));
    // Three members stand against one that says yes to everything: nothing changes.
    let next = world.grow();
    assert_eq!(world.hear(3, next.size).await.checkpoint, next);
    assert_eq!((world.halt.reason(), world.alarms("split")), (None, 0));
}

#[tokio::test]
async fn evidence_against_one_node_is_bounded_across_restarts() {
    let mut place = Place::new();
    let sizes: Vec<Checkpoint> = (0..20).map(|_| place.grow()).collect();
    for round in 0..2 {
        let world = World::start(place, &[2]).await;
        for size in &sizes {
            // Signed anew, so that each would be a bundle of its own.
            let key = attestation_key(2);
            let lie = SignedCheckpoint::sign(false_root(*size, 9), 2, round, &key);
            world.peers[&2].say(gossip(lie));
        }
        until(|| world.alarms("contradiction") == 20).await;
        assert_eq!(world.place.evidence().len(), 16, "round {round}");
        place = world.stop().await;
    }
}

#[tokio::test]
async fn a_majority_that_contradicts_halts_the_node_for_good() {
    let mut world = World::start(Place::new(), &[2, 3, 4]).await;
    let size = world.grow();
    world.hear(2, size.size).await;
    // Each with a root of its own: they contradict this node all the same.
    for node in [2, 3, 4] {
        assert_eq!(world.halt.reason(), None);
        world.say(node, false_root(size, 8 + node as u8));
        until(|| world.alarms("contradiction") == node - 1).await;
    }
    until(|| world.halt.reason().is_some()).await;
    assert!(world.halt.reason().unwrap().contains("3 of 4 members at size 2"));
    world.grow_attended(2).await;
    assert_eq!(world.signed(), 1);
    assert_eq!(world.place.last_signed(), Some(size.size));
    assert_eq!(world.place.evidence().len(), 3);
    let place = world.stop().await;
    let refused = super::Halt::open(place.data.path()).err().unwrap().to_string();
    assert!(refused.contains("3 of 4 members at size 2"), "{refused}");
}

#[tokio::test]
async fn with_half_of_the_members_against_it_nothing_is_signed_until_a_majority_backs_it() {
    let mut world = World::start(Place::new(), &[2, 3, 4]).await;
    let size = world.grow();
    world.hear(4, size.size).await;
    world.say(2, false_root(size, 9));
    world.say(3, false_root(size, 9));
    until(|| world.alarms("split") == 1).await;
    assert_eq!(world.halt.writes_stopped(), Some(WritesStopped::Disputed));
    let during = world.grow_attended(4).await;
    assert_eq!(world.place.last_signed(), Some(size.size));
    assert_eq!(world.halt.reason(), None);
    // Node 2 was repaired: with it and node 4, three members of four back this one.
    world.say(2, during);
    until(|| world.place.has(2, &during)).await;
    let after = world.grow();
    assert_eq!(world.hear(4, after.size).await.checkpoint, after);
    assert_eq!((world.signed(), world.alarms("split")), (2, 1));
    assert_eq!(world.halt.writes_stopped(), None);
}

#[tokio::test]
async fn bad_gossip_is_dropped_and_counted_and_nothing_more() {
    let mut world = World::start(Place::new(), &[2]).await;
    let size = world.grow();
    world.hear(2, size.size).await;
    let good = signed(2, size);
    let lie = false_root(size, 9);
    let mut broken = good;
    broken.signature[10] ^= 1;
    let by_another_key = SignedCheckpoint::sign(lie, 2, 1, &attestation_key(3));
    let elsewhere = [
        Checkpoint { genesis: Hash([8; 32]), ..lie },
        Checkpoint { epoch: u64::from(ORIGIN.epoch) + 1, ..lie },
    ];
    let mut bad =
        vec![broken, by_another_key, signed(3, lie), signed(SUBJECT, lie), signed(9, lie)];
    bad.extend(elsewhere.map(|checkpoint| signed(2, checkpoint)));
    for checkpoint in &bad {
        world.peers[&2].say(gossip(*checkpoint));
    }
    let mut long = gossip(good);
    long.push(0);
    for malformed in [b"".to_vec(), vec![0xff; 100], long, cbor::encode(&good)] {
        world.peers[&2].say(malformed);
    }
    world.say(2, Checkpoint { size: size.size - 1, ..lie });
    // What comes behind all this is heard.
    world.peers[&2].say(gossip(good));
    until(|| world.place.has(2, &size)).await;
    let counted = ["bad-checkpoint", "malformed-gossip", "checkpoint-within-block"];
    assert_eq!(counted.map(|kind| world.alarms(kind)), [bad.len() as u64, 4, 1]);
    assert_eq!((world.alarms("contradiction"), world.place.evidence().len()), (0, 0));
    assert_eq!(world.halt.reason(), None);
}

#[tokio::test]
async fn gossip_before_the_first_height_and_between_two_is_not_lost() {
    let mut world = World::connected(Place::new(), &[2, 3]).await;
    let ahead = world.place.ahead();
    world.say(2, ahead);
    world.run();
    let first = world.grow();
    assert_eq!(first, ahead);
    until(|| world.place.has(2, &first)).await;
    // Another checkpoint is not due yet; gossip is heard all the same.
    world.hear(3, first.size).await;
    let second = world.grow();
    for _ in 0..100 {
        world.peers[&3].say(b"?".to_vec());
    }
    world.say(3, first);
    world.say(3, second);
    until(|| world.place.has(3, &first) && world.place.has(3, &second)).await;
    assert_eq!(world.alarms("malformed-gossip"), 100);
    world.hear(3, second.size).await;
}

#[tokio::test]
async fn while_a_snapshot_takes_the_ledgers_place_nothing_is_signed_and_nothing_ends() {
    let mut world = World::start(Place::new(), &[2]).await;
    let first = world.grow();
    world.hear(2, first.size).await;
    // What node 2 says is compared when this node has seen to the next height, and found wanting.
    world.say(2, Checkpoint { size: first.size + 1, ..first });
    world.heard(2).await;
    let second = world.place.grow();
    // The ledger takes no more writes, as one that is being replaced.
    world.place.disk.fail_writes();
    assert!(world.place.ledger.sync().is_err());
    assert!(matches!(world.place.ledger.sync(), Err(StorageError::WritesDisabled)));
    world.announce();
    until(|| world.alarms("checkpoint-within-block") == 1).await;
    assert_eq!((world.signed(), world.place.last_signed()), (1, Some(first.size)));
    // Another took its place.
    world.place.disk.crash(usize::MAX);
    world.place.ledger = Ledger::open_in_memory(&world.place.disk, &identity()).unwrap();
    world.cell.replace(world.place.ledger.clone());
    world.announce();
    assert_eq!(world.hear(2, second.size).await.checkpoint, second);
}

/// A ledger of three blocks, and one that came by a snapshot of it and is one block ahead.
#[test]
fn a_size_is_found_at_a_boundary_or_nowhere() {
    let mut place = Place::new();
    let sizes: Vec<Checkpoint> = (0..3).map(|_| place.grow()).collect();
    let view = place.ledger.view();
    for (height, checkpoint) in (1..).zip(&sizes) {
        let found = boundary(&view, checkpoint.size).unwrap();
        let Boundary::At(summary) = found else { panic!("size {}", checkpoint.size) };
        assert_eq!((summary.height, summary.log_root), (height, checkpoint.root));
        let within = boundary(&view, checkpoint.size - 1).unwrap();
        assert!(matches!(within, Boundary::Within), "size {}", checkpoint.size - 1);
    }
    assert!(matches!(boundary(&view, 0).unwrap(), Boundary::At(genesis) if genesis.height == 0));
    for size in [3 * LEAVES + 1, u64::MAX] {
        assert!(matches!(boundary(&view, size).unwrap(), Boundary::Ahead));
    }

    let mut chunks = Vec::new();
    let manifest = build(&view, |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    let disk = MemoryDisk::new();
    let mut loader = SnapshotLoader::in_memory(&disk, identity(), manifest.unwrap()).unwrap();
    chunks.iter().for_each(|chunk| loader.put_chunk(chunk).unwrap());
    loader.finish(&place.ledger, |_| Ok(())).unwrap();
    place.ledger = Ledger::open_in_memory(&disk, &identity()).unwrap();
    let newest = place.grow();
    let view = place.ledger.view();
    for size in 0..3 * LEAVES {
        assert!(matches!(boundary(&view, size).unwrap(), Boundary::Unknown), "size {size}");
    }
    assert!(matches!(boundary(&view, 3 * LEAVES).unwrap(), Boundary::At(_)));
    assert!(matches!(boundary(&view, 3 * LEAVES + 1).unwrap(), Boundary::Within));
    assert!(matches!(boundary(&view, newest.size).unwrap(), Boundary::At(_)));
}
