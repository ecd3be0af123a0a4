//! Leaves of the log. Per block, in order: for each executed transaction an outcome leaf, for a
//! committed one directly before it a statement leaf; last the block leaf.
//!
//! A statement leaf is the statement itself (a COSE_Sign1, first byte 0xd2); outcome and block
//! leaves are CBOR arrays whose first element is their version and whose second is their kind.
//! Decoding demands both, so no leaf can be decoded as one of another kind or version.

use alloc::vec::Vec;

use minicbor::{Decode, Decoder, Encode, decode};

use crate::{
    cbor,
    hash::{Hash, tagged},
    identity::{KeyId, MemberId, Role},
    outcome::{Event, Outcome},
    transaction::TransactionId,
};

/// Version of the leaf formats.
pub const LEAF_VERSION: u32 = 1;

/// Which leaf this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum LeafKind {
    /// [`OutcomeLeaf`].
    #[n(1)]
    Outcome,
    /// [`BlockLeaf`].
    #[n(2)]
    Block,
}

/// That a transaction was executed, by whom it was signed and with what outcome.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OutcomeLeaf {
    /// [`LEAF_VERSION`].
    #[cbor(n(0), decode_with = "leaf_version")]
    pub version: u32,
    /// [`LeafKind::Outcome`].
    #[cbor(n(1), decode_with = "outcome_kind")]
    pub kind: LeafKind,
    /// Genesis hash of the channel.
    #[n(2)]
    pub channel: Hash,
    /// Height of the block.
    #[n(3)]
    pub height: u64,
    /// Index of the item in the block.
    #[n(4)]
    pub index: u32,
    /// The transaction.
    #[n(5)]
    pub transaction: TransactionId,
    /// The author's key.
    #[n(6)]
    pub author: KeyId,
    /// The author's member, as execution resolved it.
    #[n(7)]
    pub member: MemberId,
    /// The roles in which the author signed, as execution resolved them.
    #[n(8)]
    pub roles: Vec<Role>,
    /// [`crate::transaction::Transaction::endorsements_digest`].
    #[n(9)]
    pub endorsements: Hash,
    /// The outcome; a code, never a message.
    #[n(10)]
    pub outcome: Outcome,
    /// [`events_digest`].
    #[n(11)]
    pub events: Hash,
}

/// What every node derives from executing a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockLeaf {
    /// [`LEAF_VERSION`].
    #[cbor(n(0), decode_with = "leaf_version")]
    pub version: u32,
    /// [`LeafKind::Block`].
    #[cbor(n(1), decode_with = "block_kind")]
    pub kind: LeafKind,
    /// Genesis hash of the channel.
    #[n(2)]
    pub channel: Hash,
    /// Quorum-loss recoveries so far.
    #[n(3)]
    pub epoch: u32,
    /// Height of the block, from 1.
    #[n(4)]
    pub height: u64,
    /// Content hash of the block before.
    #[n(5)]
    pub previous: Hash,
    /// Content hash of this block.
    #[n(6)]
    pub content: Hash,
    /// Ledger time, milliseconds since 1970.
    #[n(7)]
    pub time_ms: u64,
    /// Raft term in which it was proposed.
    #[n(8)]
    pub term: u64,
    /// SHA-256(tag "precinto/leader-signature", leader key id, signature).
    #[n(9)]
    pub leader_signature: Hash,
    /// Root of the state tree after the block.
    #[n(10)]
    pub state_root: Hash,
    /// Committed transactions of the block.
    #[n(11)]
    pub committed: u32,
    /// Rejected transactions of the block.
    #[n(12)]
    pub rejected: u32,
    /// Version of the signer set in force.
    #[n(13)]
    pub signer_set_version: u64,
    /// Hash of the signer set in force.
    #[n(14)]
    pub signer_set: Hash,
    /// Protocol version that executed the block.
    #[n(15)]
    pub protocol_version: u32,
}

fn leaf_version<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<u32, decode::Error> {
    let version = d.u32()?;
    if version == LEAF_VERSION {
        Ok(version)
    } else {
        Err(decode::Error::message("unknown version of a leaf"))
    }
}

fn outcome_kind<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<LeafKind, decode::Error> {
    kind(LeafKind::Outcome, d, ctx)
}

fn block_kind<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<LeafKind, decode::Error> {
    kind(LeafKind::Block, d, ctx)
}

fn kind<C>(
    demanded: LeafKind,
    d: &mut Decoder<'_>,
    ctx: &mut C,
) -> Result<LeafKind, decode::Error> {
    let kind = LeafKind::decode(d, ctx)?;
    if kind == demanded { Ok(kind) } else { Err(decode::Error::message("a leaf of another kind")) }
}

/// SHA-256(tag "precinto/events", encoded array of a transaction's events).
pub fn events_digest(events: &[Event]) -> Hash {
    tagged("precinto/events", &[&cbor::encode(&EventList(events))])
}

struct EventList<'a>(&'a [Event]);

impl<C> Encode<C> for EventList<'_> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        for event in self.0 {
            event.encode(e, ctx)?;
        }
        Ok(())
    }
}

/// SHA-256(tag "precinto/leader-signature", leader key id, signature): binds the leader's
/// signature into the block leaf.
pub fn leader_signature_digest(leader: &KeyId, signature: &[u8; 64]) -> Hash {
    tagged("precinto/leader-signature", &[leader.0.as_bytes(), signature])
}
