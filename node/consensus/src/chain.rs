//! The chain of blocks beside the Raft log: who follows whom, and whether a new block may.

use std::collections::{BTreeMap, VecDeque};

use precinto_protocol::{
    block::{Block, BlockError, Origin},
    hash::Hash,
    identity::KeyId,
    keys::PublicKey,
    limits::MAX_CLOCK_AHEAD_MS,
};
use raft::eraftpb::Entry;

use crate::{log::SnapshotMark, mutated::mutated};

/// How far a ledger has executed the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Raft index executed last; 0 before the first.
    pub index: u64,
    /// Term of the entry at that index; 0 at index 0.
    pub term: u64,
    /// Content hash of the last block at or before it, [`Hash::ZERO`] if there is none.
    pub content: Hash,
    /// That block's time in milliseconds since 1970; the genesis time if there is none.
    pub time_ms: u64,
}

impl Applied {
    /// The applied entry.
    pub fn mark(&self) -> SnapshotMark {
        SnapshotMark { index: self.index, term: self.term }
    }

    fn link(&self) -> Link {
        Link { content: self.content, time_ms: self.time_ms }
    }
}

/// Why a block was not appended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BlockRefusal {
    /// It does not decode, or its signature is wrong.
    #[error(transparent)]
    Invalid(#[from] BlockError),
    /// Signed for another ledger, term or index than where it stands.
    #[error("signed for another place in the log")]
    WrongPlace,
    /// It does not name the block before it.
    #[error("does not follow the block before it")]
    BrokenChain,
    /// Its time is not above that of the block before.
    #[error("time does not increase")]
    TimeNotIncreasing,
    /// Its time is too far above this node's clock: one of the two clocks is wrong.
    #[error("time is {ahead_ms} ms ahead of this node's clock")]
    ClockAhead {
        /// Milliseconds above this node's clock.
        ahead_ms: u64,
    },
    /// Not signed by the key of a voter.
    #[error("signed by {0}, which is no voter's key")]
    UnknownLeader(KeyId),
}

/// What the next block must follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    pub(crate) content: Hash,
    pub(crate) time_ms: u64,
}

impl Link {
    pub(crate) fn of(block: &Block) -> Link {
        Link { content: block.header.content, time_ms: block.time_ms() }
    }
}

/// The last block at or before each index of the log above the applied one.
pub(crate) struct Chain {
    base_index: u64,
    base: Link,
    /// For index `base_index + 1 + i`: the last block up to there, and whether it is that entry.
    links: VecDeque<(Link, bool)>,
}

impl Chain {
    pub(crate) fn new(applied: &Applied) -> Chain {
        Chain { base_index: applied.index, base: applied.link(), links: VecDeque::new() }
    }

    pub(crate) fn last_index(&self) -> u64 {
        self.base_index + self.links.len() as u64
    }

    /// The last block in the log.
    pub(crate) fn last(&self) -> Link {
        self.links.back().map_or(self.base, |(link, _)| *link)
    }

    /// The last block at or before `index`, which must lie between the applied and the last index.
    pub(crate) fn at(&self, index: u64) -> Link {
        match index - self.base_index {
            0 => self.base,
            above => self.links[above as usize - 1].0,
        }
    }

    /// Appends the entry at `index` (`None`: no block), dropping what was there and after.
    pub(crate) fn set(&mut self, index: u64, block: Option<Link>) {
        assert!(self.base_index < index && index <= self.last_index() + 1, "the chain has no hole");
        self.links.truncate((index - self.base_index - 1) as usize);
        self.links.push_back((block.unwrap_or(self.last()), block.is_some()));
    }

    /// Everything up to `applied` has been executed.
    pub(crate) fn forget(&mut self, applied: &Applied) {
        assert!(
            self.at(applied.index) == applied.link(),
            "the ledger executed another block at index {} than the log holds",
            applied.index,
        );
        self.links.drain(..(applied.index - self.base_index) as usize);
        self.base_index = applied.index;
        self.base = applied.link();
    }

    /// Number of blocks above `index`.
    pub(crate) fn blocks_above(&self, index: u64) -> usize {
        let skip = index.saturating_sub(self.base_index) as usize;
        self.links.iter().skip(skip).filter(|(_, is_block)| *is_block).count()
    }
}

/// What a replica knows when it verifies a block.
pub(crate) struct Verifier<'a> {
    pub(crate) origin: Origin,
    pub(crate) keys: &'a BTreeMap<KeyId, PublicKey>,
    pub(crate) now_ms: u64,
    /// Up to here a quorum has accepted the blocks, so this node's clock has no say.
    pub(crate) accepted: u64,
}

impl Verifier<'_> {
    /// Checks that the block in `entry` may follow `previous`. Cheap checks come first.
    pub(crate) fn check(&self, entry: &Entry, previous: Link) -> Result<Link, BlockRefusal> {
        let block = Block::decode(&entry.data)?;
        let header = &block.header;
        if (header.origin, header.term, header.raft_index) != (self.origin, entry.term, entry.index)
        {
            return Err(BlockRefusal::WrongPlace);
        }
        if header.previous != previous.content {
            return Err(BlockRefusal::BrokenChain);
        }
        let link = Link::of(&block);
        if link.time_ms <= previous.time_ms {
            return Err(BlockRefusal::TimeNotIncreasing);
        }
        let ahead_ms = link.time_ms.saturating_sub(self.now_ms);
        let too_far = ahead_ms > MAX_CLOCK_AHEAD_MS && !mutated("accept-far-time");
        if entry.index > self.accepted && too_far {
            return Err(BlockRefusal::ClockAhead { ahead_ms });
        }
        let key = self.keys.get(&header.leader);
        block.verify(key.ok_or(BlockRefusal::UnknownLeader(header.leader))?)?;
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::{
        block::{BlockContent, BlockPlace},
        keys::SigningKey,
    };

    const PREVIOUS: Link = Link { content: Hash([5; 32]), time_ms: 1_000 };
    const ORIGIN: Origin = Origin { channel: Hash([1; 32]), epoch: 0 };

    fn applied(index: u64, link: Link) -> Applied {
        Applied { index, term: 1, content: link.content, time_ms: link.time_ms }
    }

    fn link(n: u8) -> Link {
        Link { content: Hash([n; 32]), time_ms: u64::from(n) }
    }

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn place() -> BlockPlace {
        BlockPlace { origin: ORIGIN, term: 2, raft_index: 7, previous: PREVIOUS.content }
    }

    fn check(place: BlockPlace, time_ms: u64, key: &SigningKey) -> Result<Link, BlockRefusal> {
        let data = Block::sign(&BlockContent::new(time_ms, vec![]), place, key).encode();
        check_bytes(data, 6)
    }

    fn check_bytes(data: Vec<u8>, accepted: u64) -> Result<Link, BlockRefusal> {
        let own = key().public();
        let keys = BTreeMap::from([(own.key_id(), own)]);
        let verifier = Verifier { origin: ORIGIN, keys: &keys, now_ms: 2_000, accepted };
        verifier.check(&Entry { index: 7, term: 2, data, ..Entry::default() }, PREVIOUS)
    }

    #[test]
    fn a_block_must_stand_where_it_was_signed_for() {
        assert!(check(place(), 1_001, &key()).is_ok());
        let elsewhere = [
            BlockPlace { term: 1, ..place() },
            BlockPlace { raft_index: 8, ..place() },
            BlockPlace { origin: Origin { epoch: 1, ..ORIGIN }, ..place() },
        ];
        for place in elsewhere {
            assert_eq!(check(place, 1_001, &key()), Err(BlockRefusal::WrongPlace));
        }
        let other_chain = BlockPlace { previous: Hash::ZERO, ..place() };
        assert_eq!(check(other_chain, 1_001, &key()), Err(BlockRefusal::BrokenChain));
    }

    #[test]
    fn time_increases_and_stays_near_this_clock() {
        assert_eq!(check(place(), 1_000, &key()), Err(BlockRefusal::TimeNotIncreasing));
        let latest = 2_000 + MAX_CLOCK_AHEAD_MS;
        assert!(check(place(), latest, &key()).is_ok());
        let refusal = BlockRefusal::ClockAhead { ahead_ms: MAX_CLOCK_AHEAD_MS + 1 };
        assert_eq!(check(place(), latest + 1, &key()), Err(refusal));
        let block = Block::sign(&BlockContent::new(latest + 1, vec![]), place(), &key());
        assert!(check_bytes(block.encode(), 7).is_ok(), "a quorum accepted it already");
    }

    #[test]
    fn only_a_voters_signature_counts() {
        let stranger = SigningKey::from_seed(&[2; 32]);
        let refusal = BlockRefusal::UnknownLeader(stranger.key_id());
        assert_eq!(check(place(), 1_001, &stranger), Err(refusal));
        let mut forged = Block::sign(&BlockContent::new(1_001, vec![]), place(), &key());
        forged.signature[0] ^= 1;
        let refusal = BlockRefusal::Invalid(BlockError::BadSignature);
        assert_eq!(check_bytes(forged.encode(), 6), Err(refusal));
        assert!(matches!(check_bytes(vec![0x80], 6), Err(BlockRefusal::Invalid(_))));
    }

    #[test]
    fn empty_entries_carry_the_last_block_on() {
        let mut chain = Chain::new(&applied(3, link(1)));
        chain.set(4, None);
        chain.set(5, Some(link(2)));
        chain.set(6, None);
        assert_eq!((chain.at(3), chain.at(4), chain.at(5)), (link(1), link(1), link(2)));
        assert_eq!((chain.last(), chain.last_index()), (link(2), 6));
        assert_eq!(
            (chain.blocks_above(0), chain.blocks_above(4), chain.blocks_above(5)),
            (1, 1, 0)
        );
    }

    #[test]
    fn truncation_and_execution_keep_the_rest() {
        let mut chain = Chain::new(&applied(0, link(0)));
        for n in 1..=4 {
            chain.set(n, Some(link(n as u8)));
        }
        chain.forget(&applied(1, link(1)));
        chain.set(3, Some(link(9)));
        assert_eq!((chain.last_index(), chain.last(), chain.at(2)), (3, link(9), link(2)));
    }

    #[test]
    #[should_panic(expected = "another block")]
    fn executing_another_block_stops_the_node() {
        let mut chain = Chain::new(&applied(0, link(0)));
        chain.set(1, Some(link(1)));
        chain.forget(&applied(1, link(2)));
    }
}
