//! Blocks.

use precinto_protocol::{
    block::{Block, BlockContent, BlockError, BlockPlace, Origin},
    hash::Hash,
    limits::{MAX_BLOCK_BYTES, MAX_BLOCK_ITEMS},
};
use serde_json::Value;

use crate::{all_refused, bytes, hash, key, list, number, vectors};

fn place(vector: &Value) -> BlockPlace {
    BlockPlace {
        origin: Origin { channel: hash(&vector["channel"]), epoch: number(&vector["epoch"]) },
        term: number(&vector["term"]),
        raft_index: number(&vector["raft_index"]),
        previous: hash(&vector["previous"]),
    }
}

#[test]
fn blocks_are_encoded_and_signed_as_specified() {
    let vectors = vectors!("block");
    let leader = key(&vectors["seed"]);
    let mut counts = Vec::new();
    for vector in list(&vectors["blocks"]) {
        let items: Vec<_> = vector["items"].as_array().unwrap().iter().map(bytes).collect();
        counts.push(items.len());
        let content = BlockContent::new(number(&vector["time_ms"]), items);
        let block = Block::sign(&content, place(vector), &leader);
        assert_eq!(block.header.content.to_hex(), vector["content_hash"], "{}", vector["name"]);
        assert_eq!(block.header.digest().to_hex(), vector["digest"]);
        assert_eq!(hex::encode(block.signature), vector["signature"]);
        assert_eq!(hex::encode(block.encode()), vector["encoded"]);

        let decoded = Block::decode(&bytes(&vector["encoded"])).unwrap();
        assert_eq!(decoded.verify(&leader.public()), Ok(()));
        assert_eq!(decoded.content(), content);
        assert_eq!(decoded, block);
    }
    assert_eq!(counts.iter().max(), Some(&MAX_BLOCK_ITEMS));
}

#[test]
fn blocks_in_any_other_form_are_refused() {
    all_refused(&vectors!("block")["refused"], Block::decode);
}

#[test]
fn blocks_that_their_leader_did_not_sign_are_refused() {
    let vectors = vectors!("block");
    let leader = key(&vectors["seed"]).public();
    for vector in list(&vectors["badly_signed"]) {
        let block = Block::decode(&bytes(&vector["encoded"])).unwrap();
        assert_eq!(block.verify(&leader), Err(BlockError::BadSignature), "{}", vector["why"]);
    }
}

#[test]
fn the_largest_block_is_accepted_and_a_byte_more_is_not() {
    let leader = precinto_protocol::keys::SigningKey::from_seed(&[2; 32]);
    let place = BlockPlace {
        origin: Origin { channel: Hash::ZERO, epoch: 0 },
        term: 1,
        raft_index: 1,
        previous: Hash::ZERO,
    };
    let of = |bytes: usize| {
        Block::sign(&BlockContent::new(1, vec![vec![0; bytes]]), place, &leader).encode()
    };
    // Lengths above 65,535 take five bytes, whatever they are: one try tells how much is around.
    let around = of(100_000).len() - 100_000;
    let largest = of(MAX_BLOCK_BYTES - around);
    assert_eq!(largest.len(), MAX_BLOCK_BYTES);
    assert!(Block::decode(&largest).is_ok());
    assert_eq!(Block::decode(&of(MAX_BLOCK_BYTES - around + 1)), Err(BlockError::TooLarge));
}
