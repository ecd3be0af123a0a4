//! Blocks: an ordered batch of transactions, one Raft log entry, signed by the leader that
//! proposed it.
//!
//! What a block *does* is known only after execution (see [`crate::leaf::BlockLeaf`]); the signed
//! header binds what the leader knows when it proposes: the place in the Raft log and the content
//! of the block before. Two blocks signed by one leader for one (term, raft index) are evidence.

use alloc::vec::Vec;

use minicbor::{Decode, Decoder, Encode, bytes::ByteVec};

use crate::{
    cbor::{self, CborError},
    hash::{Hash, tagged},
    identity::KeyId,
    limits::{MAX_BLOCK_BYTES, MAX_BLOCK_ITEMS, PROTOCOL_VERSION},
};

/// Which ledger, and which life of it: the genesis hash and the number of quorum-loss recoveries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Origin {
    /// The channel's genesis hash.
    #[n(0)]
    pub channel: Hash,
    /// Number of quorum-loss recoveries so far.
    #[n(1)]
    pub epoch: u32,
}

/// What a block carries.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockContent {
    /// Protocol version that executes the block.
    #[n(0)]
    pub version: u32,
    /// Ledger time, milliseconds since 1970: `max(last + 1, leader's clock)`.
    #[n(1)]
    pub time_ms: u64,
    /// Encoded [`crate::transaction::Transaction`]s, in order.
    #[n(2)]
    pub items: Vec<ByteVec>,
}

impl BlockContent {
    /// Content for the present protocol version.
    pub fn new(time_ms: u64, items: Vec<Vec<u8>>) -> BlockContent {
        BlockContent {
            version: PROTOCOL_VERSION,
            time_ms,
            items: items.into_iter().map(ByteVec::from).collect(),
        }
    }
}

/// Where in the Raft log a block stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockPlace {
    /// Ledger and epoch.
    pub origin: Origin,
    /// Raft term of the proposing leader.
    pub term: u64,
    /// Raft index of the entry.
    pub raft_index: u64,
    /// Content hash of the block before, [`Hash::ZERO`] for the first.
    pub previous: Hash,
}

/// What the leader signs.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockHeader {
    /// Ledger and epoch.
    #[n(0)]
    pub origin: Origin,
    /// Raft term of the proposing leader.
    #[n(1)]
    pub term: u64,
    /// Raft index of the entry.
    #[n(2)]
    pub raft_index: u64,
    /// Content hash of the block before, [`Hash::ZERO`] for the first.
    #[n(3)]
    pub previous: Hash,
    /// SHA-256(tag "precinto/block-content", encoded [`BlockContent`]).
    #[n(4)]
    pub content: Hash,
    /// The leader's node identity key.
    #[n(5)]
    pub leader: KeyId,
}

/// A signed block. Encoding: CBOR array [header, signature, content].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Block {
    /// What the leader signed.
    #[n(0)]
    pub header: BlockHeader,
    /// Ed25519 by [`BlockHeader::leader`] over SHA-256(tag "precinto/block", encoded header).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// Encoded [`BlockContent`].
    #[cbor(n(2), with = "minicbor::bytes")]
    content: Vec<u8>,
}

/// Why a block was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Larger than [`MAX_BLOCK_BYTES`].
    #[error("block larger than {MAX_BLOCK_BYTES} bytes")]
    TooLarge,
    /// Not the deterministic encoding of a block.
    #[error("block: {0}")]
    Encoding(#[from] CborError),
    /// The content is not what the header's hash names.
    #[error("block content does not match its hash")]
    ContentMismatch,
    /// More items than [`MAX_BLOCK_ITEMS`].
    #[error("block with more than {MAX_BLOCK_ITEMS} items")]
    TooManyItems,
    /// The signature is not by the header's leader.
    #[error("block not signed by its leader")]
    BadSignature,
}

impl Block {
    /// Signs `content` at `place` as leader.
    #[cfg(feature = "signatures")]
    pub fn sign(content: &BlockContent, place: BlockPlace, key: &crate::keys::SigningKey) -> Block {
        let content = cbor::encode(content);
        let header = BlockHeader {
            origin: place.origin,
            term: place.term,
            raft_index: place.raft_index,
            previous: place.previous,
            content: content_hash(&content),
            leader: key.key_id(),
        };
        let signature = key.sign(header.digest().as_bytes());
        Block { header, signature, content }
    }

    /// Decodes a block: canonical, within its limits, content matching the header. The signature
    /// is checked by [`Block::verify`].
    ///
    /// # Errors
    /// See [`BlockError`].
    pub fn decode(bytes: &[u8]) -> Result<Block, BlockError> {
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLarge);
        }
        let block: Block = cbor::decode(bytes)?;
        if content_hash(&block.content) != block.header.content {
            return Err(BlockError::ContentMismatch);
        }
        let content: BlockContent = cbor::decode(&block.content)?;
        if content.items.len() > MAX_BLOCK_ITEMS {
            return Err(BlockError::TooManyItems);
        }
        Ok(block)
    }

    /// Item `index` of an encoded block, passing over the rest: for blocks that were checked by
    /// [`Block::decode`] before they were kept. `None` if there is none.
    pub fn item_of(block: &[u8], index: u32) -> Option<&[u8]> {
        nth_item(block, index).ok().flatten()
    }

    /// The deterministic encoding.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// The decoded content.
    pub fn content(&self) -> BlockContent {
        cbor::decode(&self.content).expect("content was checked when the block was made")
    }

    /// Ledger time of the block, milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.content().time_ms
    }

    /// Whether the leader's `key` signed the header.
    ///
    /// # Errors
    /// [`BlockError::BadSignature`], also if `key` is not the key the header names.
    #[cfg(feature = "signatures")]
    pub fn verify(&self, key: &crate::keys::PublicKey) -> Result<(), BlockError> {
        let valid = key.key_id() == self.header.leader
            && key.verify(self.header.digest().as_bytes(), &self.signature);
        if valid { Ok(()) } else { Err(BlockError::BadSignature) }
    }
}

impl BlockHeader {
    /// What the leader's signature covers.
    pub fn digest(&self) -> Hash {
        tagged("precinto/block", &[&cbor::encode(self)])
    }
}

fn nth_item(block: &[u8], index: u32) -> Result<Option<&[u8]>, minicbor::decode::Error> {
    let mut block = Decoder::new(block);
    block.array()?;
    // Header and signature.
    block.skip()?;
    block.skip()?;
    let mut content = Decoder::new(block.bytes()?);
    content.array()?;
    // Version and time.
    content.skip()?;
    content.skip()?;
    if content.array()?.is_none_or(|items| u64::from(index) >= items) {
        return Ok(None);
    }
    for _ in 0..index {
        content.skip()?;
    }
    content.bytes().map(Some)
}

fn content_hash(content: &[u8]) -> Hash {
    tagged("precinto/block-content", &[content])
}

#[cfg(all(test, feature = "signatures"))]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use alloc::vec;

    fn place() -> BlockPlace {
        BlockPlace {
            origin: Origin { channel: Hash([1; 32]), epoch: 0 },
            term: 2,
            raft_index: 3,
            previous: Hash::ZERO,
        }
    }

    #[test]
    fn a_block_round_trips_and_verifies_only_under_its_leader() {
        let key = SigningKey::from_seed(&[1; 32]);
        let block = Block::sign(&BlockContent::new(5, vec![vec![1, 2]]), place(), &key);
        let decoded = Block::decode(&block.encode()).expect("valid");
        assert_eq!(decoded, block);
        assert_eq!(decoded.content().items.len(), 1);
        assert_eq!(decoded.verify(&key.public()), Ok(()));
        let other = SigningKey::from_seed(&[2; 32]);
        assert_eq!(decoded.verify(&other.public()), Err(BlockError::BadSignature));
    }

    #[test]
    fn single_items_are_found_in_the_encoding() {
        let items = [vec![1; 3], vec![], vec![2; 300]];
        let block = Block::sign(
            &BlockContent::new(5, items.to_vec()),
            place(),
            &SigningKey::from_seed(&[1; 32]),
        );
        let bytes = block.encode();
        for (index, item) in (0..).zip(&items) {
            assert_eq!(Block::item_of(&bytes, index), Some(item.as_slice()));
        }
        assert_eq!(Block::item_of(&bytes, 3), None);
        assert_eq!(Block::item_of(&bytes[..60], 0), None);
        assert_eq!(Block::item_of(&[], 0), None);
    }

    #[test]
    fn changed_content_or_header_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let block = Block::sign(&BlockContent::new(5, vec![]), place(), &key);
        let mut content = block.clone();
        content.content = cbor::encode(&BlockContent::new(6, vec![]));
        assert_eq!(Block::decode(&content.encode()), Err(BlockError::ContentMismatch));
        let mut header = block;
        header.header.term = 9;
        assert_eq!(header.verify(&key.public()), Err(BlockError::BadSignature));
    }

    #[test]
    fn oversized_and_truncated_bytes_are_refused() {
        assert_eq!(Block::decode(&vec![0; MAX_BLOCK_BYTES + 1]), Err(BlockError::TooLarge));
        assert_eq!(Block::decode(&[0x83]), Err(BlockError::Encoding(CborError::Malformed)));
    }
}
