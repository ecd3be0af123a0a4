//! The contract `governance`, from a genesis of three members.

use governance::Governance;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    cbor,
    genesis::{Genesis, Parameter},
    governance::{
        CONTRACT, Enrol, IdentitiesQuery, PromoteNode, ReplaceNode, Revoke, Rotate, Successor,
        key_possession,
    },
    hash::Hash,
    identity::{KeyId, Role},
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    registry::{
        ContractEntry, GOVERNANCE_CONTRACT, Identity, IdentityStatus, Member, Node, NodeRole,
        parameter,
    },
};

use super::{MEMBERS, Step, compare};
use crate::take::Take;

const DAY_MS: u64 = 86_400_000;

/// Keys by number: 0 to 2 are the members' admins, 3 to 5 their nodes', the others new.
const KEYS: usize = 14;

pub(crate) fn governance(bytes: &[u8]) {
    compare::<Governance>("governance", bytes, begin, step);
}

fn begin(ledger: &mut MockLedger) {
    for (key, value) in genesis(ledger.time_ms).entries() {
        ledger.host().state_set(key.suffix(), &value).expect("within the limits");
    }
}

fn genesis(created_ms: u64) -> Genesis {
    let mut identities = Vec::new();
    let (mut members, mut nodes) = (Vec::new(), Vec::new());
    for (number, id) in MEMBERS.into_iter().enumerate() {
        let (admin, node) = (secret(number), secret(number + MEMBERS.len()));
        identities.push(identity(&admin, id, Role::Admin, created_ms));
        identities.push(identity(&node, id, Role::Node, created_ms));
        members.push(Member {
            id: id.into(),
            name: id.into(),
            country: id[..2].to_uppercase(),
            root_key: [9; 32],
        });
        nodes.push(Node {
            id: number as u64 + 1,
            member: id.into(),
            role: if number < 2 { NodeRole::Voter } else { NodeRole::Learner },
            identity_key: node.public().to_bytes(),
            network_key: secret(100 + number).public().to_bytes(),
            attestation_key: secret(120 + number).public().to_bytes(),
            addresses: vec!["127.0.0.1:1".into()],
            storage_id: [number as u8; 16],
            retired_ms: None,
        });
    }
    identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let entry = ContractEntry {
        id: GOVERNANCE_CONTRACT,
        name: CONTRACT.into(),
        version: 1,
        code_hash: Hash([7; 32]),
        policies: Vec::new(),
    };
    Genesis {
        version: PROTOCOL_VERSION,
        name: "fuzzed".into(),
        created_ms,
        members,
        nodes,
        identities,
        contracts: vec![entry],
        parameters: vec![Parameter { name: parameter::ATTEST_MEMBERS.into(), value: 2 }],
    }
}

fn identity(key: &SigningKey, member: &str, role: Role, created_ms: u64) -> Identity {
    Identity {
        public_key: key.public().to_bytes(),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: created_ms,
        valid_until_ms: created_ms + 100 * DAY_MS,
        status: IdentityStatus::Active,
    }
}

fn secret(number: usize) -> SigningKey {
    SigningKey::from_seed(&[number as u8 + 1; 32])
}

fn any_key(take: &mut Take<'_>) -> SigningKey {
    secret(take.below(KEYS))
}

/// Ledger time, more or less.
fn time(take: &mut Take<'_>, now_ms: u64) -> u64 {
    match take.below(6) {
        0 => now_ms,
        1 => now_ms - 1,
        2 => now_ms + DAY_MS,
        3 => now_ms + 50 * DAY_MS,
        4 => now_ms + 10_000 * DAY_MS,
        _ => take.any(),
    }
}

fn step(take: &mut Take<'_>, ledger: &MockLedger) -> Step {
    let (now_ms, channel) = (ledger.time_ms, ledger.channel());
    let member = take.one(&MEMBERS);
    let possession = |key: &SigningKey| {
        let message = key_possession(&channel, member, &key.public().to_bytes());
        key.sign(message.as_bytes())
    };
    let call = |method, args| Step { method, args, query: false };
    let query = |method, args| Step { method, args, query: true };
    match take.below(10) {
        0 | 1 => {
            let key = any_key(take);
            call(
                "enrol",
                cbor::encode(&Enrol {
                    public_key: key.public().to_bytes(),
                    possession: possession(&key),
                    roles: take.list(3, |take| take.one(&Role::ALL)),
                    valid_from_ms: time(take, now_ms),
                    valid_until_ms: time(take, now_ms),
                }),
            )
        }
        2 => {
            let key = any_key(take);
            call(
                "rotate",
                cbor::encode(&Rotate {
                    old: any_key(take).key_id(),
                    public_key: key.public().to_bytes(),
                    possession: possession(&key),
                    old_until_ms: time(take, now_ms),
                    valid_until_ms: time(take, now_ms),
                }),
            )
        }
        3 => {
            let reason = take.one(&["", "lost", "x"]).repeat(1 + take.below(300));
            call("revoke", cbor::encode(&Revoke { key_id: any_key(take).key_id(), reason }))
        }
        4 => call("replace-node", cbor::encode(&replacement(take, now_ms, &channel))),
        5 => call("promote-node", cbor::encode(&PromoteNode { node: take.below(6) as u64 })),
        6 => query(take.one(&["members", "contracts", "parameters"]), cbor::encode(&())),
        7 => query("nodes", cbor::encode(&())),
        _ => {
            let after = take.option(|take| any_key(take).key_id());
            let limit = take.one(&[0, 1, 2, 100, u32::MAX]);
            query(
                "identities",
                cbor::encode(&IdentitiesQuery { member: member.into(), after, limit }),
            )
        }
    }
}

fn replacement(take: &mut Take<'_>, now_ms: u64, channel: &Hash) -> ReplaceNode {
    let keys = [any_key(take), any_key(take), any_key(take)];
    let [identity, network, attestation] = keys.each_ref().map(|key| key.public().to_bytes());
    let successor = Successor {
        id: take.below(6) as u64,
        replaces: take.below(6) as u64,
        identity_key: identity,
        network_key: network,
        attestation_key: attestation,
        addresses: take.list(3, |take| take.one(&["127.0.0.1:1", "", "a b"]).into()),
        storage_id: [take.below(4) as u8; 16],
    };
    let message = successor.possession(channel);
    let [identity, network, attestation] = keys.map(|key| key.sign(message.as_bytes()));
    ReplaceNode {
        successor,
        identity_possession: identity,
        network_possession: network,
        attestation_possession: attestation,
        valid_until_ms: time(take, now_ms),
    }
}
