//! Arbitrary values of the core formats, and what may happen to their bytes.

use std::collections::BTreeMap;

use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace, Origin},
    genesis::{Genesis, Parameter},
    hash::Hash,
    identity::{KeyId, Role},
    keys::SigningKey,
    leaf::{BlockLeaf, LEAF_VERSION, LeafKind, OutcomeLeaf},
    outcome::Outcome,
    registry::{ContractEntry, Identity, IdentityStatus, Member, MethodPolicy, Node, NodeRole},
    statement::{Call, OnBehalf, Statement},
    transaction::{Endorsement, Transaction, TransactionId, endorsement_digest},
};
use proptest::{collection::vec, option, prelude::*, sample};

pub(crate) fn hashes() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn roles() -> impl Strategy<Value = Role> {
    sample::select(&Role::ALL[..])
}

/// Texts of 1 to 64 bytes: at most 16 characters, at most four bytes each.
fn names() -> impl Strategy<Value = String> {
    "\\PC{1,16}"
}

fn payloads() -> impl Strategy<Value = Vec<u8>> {
    // Around the sizes at which a CBOR length grows.
    prop_oneof![vec(any::<u8>(), 0..30), vec(any::<u8>(), 250..260)]
}

/// Integers of every encoded length.
fn numbers() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

pub(crate) fn calls() -> impl Strategy<Value = Call> {
    let on_behalf =
        (any::<[u8; 16]>(), roles()).prop_map(|(pseudonym, role)| OnBehalf { pseudonym, role });
    (
        (hashes(), names(), any::<u32>(), names()),
        (payloads(), any::<[u8; 16]>(), numbers(), option::of(on_behalf)),
    )
        .prop_map(|((channel, contract, contract_version, method), rest)| {
            let (args, nonce, expires_ms, on_behalf) = rest;
            Call { channel, contract, contract_version, method, args, nonce, expires_ms, on_behalf }
        })
}

/// A transaction that everybody concerned has signed, and their keys.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) transaction: Transaction,
    keys: BTreeMap<KeyId, SigningKey>,
}

impl Signed {
    fn new(call: Call, seeds: &[u8]) -> Signed {
        let author = SigningKey::from_seed(&[0; 32]);
        let statement = Statement::sign(call, &author);
        let digest = endorsement_digest(&statement.id(), statement.call().contract_version);
        let endorsers = seeds.iter().map(|seed| SigningKey::from_seed(&[*seed; 32]));
        let mut keys: BTreeMap<_, _> = endorsers.map(|key| (key.key_id(), key)).collect();
        let endorsements = keys
            .iter()
            .map(|(id, key)| Endorsement { key_id: *id, signature: key.sign(digest.as_bytes()) })
            .collect();
        keys.insert(author.key_id(), author);
        Signed { transaction: Transaction { statement, endorsements }, keys }
    }

    /// Whether everybody whom `transaction` names is one of the signers and signed it.
    pub(crate) fn authenticates(&self, transaction: &Transaction) -> bool {
        let statement = &transaction.statement;
        let digest = endorsement_digest(&statement.id(), statement.call().contract_version);
        let author = self.keys.get(&statement.key_id());
        author.is_some_and(|key| statement.verify(&key.public()))
            && transaction.endorsements.iter().all(|endorsement| {
                let key = self.keys.get(&endorsement.key_id);
                key.is_some_and(|key| {
                    key.public().verify(digest.as_bytes(), &endorsement.signature)
                })
            })
    }
}

pub(crate) fn signed() -> impl Strategy<Value = Signed> {
    (calls(), vec(1_u8..=255, 0..4)).prop_map(|(call, seeds)| Signed::new(call, &seeds))
}

/// The key that signs all [`blocks`].
pub(crate) fn leader() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

pub(crate) fn blocks() -> impl Strategy<Value = Block> {
    let place = (hashes(), any::<u32>(), numbers(), numbers(), hashes()).prop_map(
        |(channel, epoch, term, raft_index, previous)| BlockPlace {
            origin: Origin { channel, epoch },
            term,
            raft_index,
            previous,
        },
    );
    (place, numbers(), vec(payloads(), 0..6)).prop_map(|(place, time_ms, items)| {
        Block::sign(&BlockContent::new(time_ms, items), place, &leader())
    })
}

pub(crate) fn outcome_leaves() -> impl Strategy<Value = OutcomeLeaf> {
    let outcome =
        prop_oneof![Just(Outcome::Committed), names().prop_map(|code| Outcome::Rejected { code }),];
    (
        (hashes(), numbers(), any::<u32>(), hashes(), hashes()),
        (names(), vec(roles(), 0..4), hashes(), outcome, hashes()),
    )
        .prop_map(|((channel, height, index, transaction, author), rest)| {
            let (member, roles, endorsements, outcome, events) = rest;
            OutcomeLeaf {
                version: LEAF_VERSION,
                kind: LeafKind::Outcome,
                channel,
                height,
                index,
                transaction: TransactionId(transaction),
                author: KeyId(author),
                member,
                roles,
                endorsements,
                outcome,
                events,
            }
        })
}

pub(crate) fn block_leaves() -> impl Strategy<Value = BlockLeaf> {
    (any::<[[u8; 32]; 6]>(), any::<[u32; 4]>(), [numbers(), numbers(), numbers(), numbers()])
        .prop_map(|(hashes, small, large)| BlockLeaf {
            version: LEAF_VERSION,
            kind: LeafKind::Block,
            channel: Hash(hashes[0]),
            epoch: small[0],
            height: large[0],
            previous: Hash(hashes[1]),
            content: Hash(hashes[2]),
            time_ms: large[1],
            term: large[2],
            leader_signature: Hash(hashes[3]),
            state_root: Hash(hashes[4]),
            committed: small[1],
            rejected: small[2],
            signer_set_version: large[3],
            signer_set: Hash(hashes[5]),
            protocol_version: small[3],
        })
}

fn members() -> impl Strategy<Value = Member> {
    (names(), names(), names(), any::<[u8; 32]>())
        .prop_map(|(id, name, country, root_key)| Member { id, name, country, root_key })
}

fn nodes() -> impl Strategy<Value = Node> {
    let role = sample::select(&[NodeRole::Voter, NodeRole::Learner, NodeRole::Joining][..]);
    let (keys, retired) = (any::<[[u8; 32]; 3]>(), option::of(numbers()));
    (numbers(), names(), role, keys, vec(names(), 0..3), any::<[u8; 16]>(), retired).prop_map(
        |(id, member, role, keys, addresses, storage_id, retired_ms)| Node {
            id,
            member,
            role,
            identity_key: keys[0],
            network_key: keys[1],
            attestation_key: keys[2],
            addresses,
            storage_id,
            retired_ms,
        },
    )
}

fn identities() -> impl Strategy<Value = Identity> {
    let status = prop_oneof![
        Just(IdentityStatus::Active),
        numbers().prop_map(|at_ms| IdentityStatus::Revoked { at_ms }),
    ];
    let validity = (numbers(), numbers());
    (any::<[u8; 32]>(), names(), vec(roles(), 0..4), validity, status).prop_map(
        |(public_key, member, roles, (valid_from_ms, valid_until_ms), status)| Identity {
            public_key,
            member,
            roles,
            valid_from_ms,
            valid_until_ms,
            status,
        },
    )
}

fn contracts() -> impl Strategy<Value = ContractEntry> {
    let policies = (names(), names()).prop_map(|(method, policy)| MethodPolicy { method, policy });
    (any::<u32>(), names(), any::<u32>(), hashes(), vec(policies, 0..3)).prop_map(
        |(id, name, version, code_hash, policies)| ContractEntry {
            id,
            name,
            version,
            code_hash,
            policies,
        },
    )
}

pub(crate) fn geneses() -> impl Strategy<Value = Genesis> {
    let parameters = (names(), numbers()).prop_map(|(name, value)| Parameter { name, value });
    (
        (any::<u32>(), names(), numbers()),
        (vec(members(), 0..3), vec(nodes(), 0..3), vec(identities(), 0..3)),
        (vec(contracts(), 0..3), vec(parameters, 0..3)),
    )
        .prop_map(|((version, name, created_ms), (members, nodes, identities), rest)| {
            let (contracts, parameters) = rest;
            Genesis { version, name, created_ms, members, nodes, identities, contracts, parameters }
        })
}

/// What an attacker may do to bytes on their way.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Flip(sample::Index, u8),
    Insert(sample::Index, u8),
    Remove(sample::Index),
}

impl Change {
    /// The changed bytes: never the same.
    pub(crate) fn of(&self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        match self {
            Change::Flip(at, bits) => changed[at.index(bytes.len())] ^= bits,
            Change::Insert(at, byte) => changed.insert(at.index(bytes.len() + 1), *byte),
            Change::Remove(at) => drop(changed.remove(at.index(bytes.len()))),
        }
        changed
    }
}

pub(crate) fn changes() -> impl Strategy<Value = Change> {
    let at = any::<sample::Index>;
    prop_oneof![
        4 => (at(), 1..=u8::MAX).prop_map(|(at, bits)| Change::Flip(at, bits)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => at().prop_map(Change::Remove),
    ]
}
