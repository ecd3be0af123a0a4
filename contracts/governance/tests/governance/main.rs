//! Tests of the contract `governance`: each runs on the contract compiled into it and on the built
//! module.

mod enrol;
mod model;
mod nodes;
mod queries;
mod revoke;
mod rotate;

use governance::Governance;
use precinto_contract::{
    decode_stored,
    testing::{Failure, MockLedger, signer},
};
use precinto_contract_testing::{Built, native_and_wasm};
use precinto_protocol::{
    call::Signer,
    genesis::{Genesis, Parameter},
    governance::{CONTRACT, Enrol, IdentitiesQuery, IdentityEvent, IdentityPage, key_possession},
    hash::Hash,
    identity::{KeyId, Role},
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    registry::{
        ContractEntry, GOVERNANCE_CONTRACT, Identity, IdentityStatus, Member, MethodPolicy, Node,
        NodeRole, RegistryKey, parameter,
    },
};

const UY: &str = "uy-dna";
const BR: &str = "br-rfb";
const DAY_MS: u64 = 86_400_000;
/// Keys that genesis enrols: an admin and a node of each member.
const UY_ADMIN: u8 = 1;
const UY_NODE: u8 = 2;
const BR_ADMIN: u8 = 3;
const BR_NODE: u8 = 4;

fn native() -> MockLedger {
    after_genesis(MockLedger::native::<Governance>())
}

fn wasm() -> MockLedger {
    after_genesis(MockLedger::new(Built("governance")))
}

fn after_genesis(mut ledger: MockLedger) -> MockLedger {
    for (key, value) in genesis(ledger.time_ms).entries() {
        ledger.host().state_set(key.suffix(), &value).expect("within the limits");
    }
    ledger
}

/// Two members, each with a voter, an admin and a node's key; keys are valid for 100 days.
fn genesis(created_ms: u64) -> Genesis {
    let identity = |key, member: &str, role| Identity {
        public_key: public(key),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: created_ms,
        valid_until_ms: created_ms + 100 * DAY_MS,
        status: IdentityStatus::Active,
    };
    let mut identities = vec![
        identity(UY_ADMIN, UY, Role::Admin),
        identity(UY_NODE, UY, Role::Node),
        identity(BR_ADMIN, BR, Role::Admin),
        identity(BR_NODE, BR, Role::Node),
    ];
    identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let policy =
        |method: &str| MethodPolicy { method: method.into(), policy: "owner.admin".into() };
    Genesis {
        version: PROTOCOL_VERSION,
        name: "test".into(),
        created_ms,
        members: vec![member(BR, "BR"), member(UY, "UY")],
        nodes: vec![node(1, UY, UY_NODE), node(2, BR, BR_NODE)],
        identities,
        contracts: vec![ContractEntry {
            id: GOVERNANCE_CONTRACT,
            name: CONTRACT.into(),
            version: 1,
            code_hash: Hash([7; 32]),
            policies: ["enrol", "promote-node", "replace-node", "revoke", "rotate"]
                .map(policy)
                .into(),
        }],
        parameters: vec![
            Parameter { name: parameter::ATTEST_MEMBERS.into(), value: 2 },
            Parameter { name: parameter::MAX_EXPIRY_MS.into(), value: 600_000 },
        ],
    }
}

fn member(id: &str, country: &str) -> Member {
    Member { id: id.into(), name: id.into(), country: country.into(), root_key: [9; 32] }
}

fn node(id: u64, member: &str, identity: u8) -> Node {
    Node {
        id,
        member: member.into(),
        role: NodeRole::Voter,
        identity_key: public(identity),
        network_key: public(20 + id as u8),
        attestation_key: public(30 + id as u8),
        addresses: vec![format!("127.0.0.1:{id}")],
        storage_id: [id as u8; 16],
        retired_ms: None,
    }
}

fn admin(member: &str) -> [Signer; 1] {
    [signer(member, &[Role::Admin])]
}

/// The keys of all tests, by number: what is not under test needs no other randomness.
fn secret(key: u8) -> SigningKey {
    SigningKey::from_seed(&[key; 32])
}

fn public(key: u8) -> [u8; 32] {
    secret(key).public().to_bytes()
}

fn key_id(key: u8) -> KeyId {
    secret(key).key_id()
}

/// The proof that whoever enrols a key for `member` holds it.
fn possession(ledger: &MockLedger, member: &str, key: u8) -> [u8; 64] {
    let message = key_possession(&ledger.channel(), member, &public(key));
    secret(key).sign(message.as_bytes())
}

/// An enrolment by `member` from now on, for 50 days.
fn enrol(ledger: &MockLedger, member: &str, key: u8, roles: &[Role]) -> Enrol {
    Enrol {
        public_key: public(key),
        possession: possession(ledger, member, key),
        roles: roles.into(),
        valid_from_ms: ledger.time_ms,
        valid_until_ms: ledger.time_ms + 50 * DAY_MS,
    }
}

fn page(ledger: &MockLedger, member: &str, after: Option<KeyId>, limit: u32) -> IdentityPage {
    let query = IdentitiesQuery { member: member.into(), after, limit };
    let result = ledger.query("identities", &query).expect("a page");
    decode_stored(&result).expect("a page")
}

/// The identity of a key as the query `identities` of its member shows it.
fn identity(ledger: &MockLedger, member: &str, key: u8) -> Option<Identity> {
    let page = page(ledger, member, None, 100);
    page.items.into_iter().find(|identity| identity.public_key == public(key))
}

/// The payloads of a key's history.
fn history(ledger: &mut MockLedger, key: KeyId) -> Vec<Identity> {
    let key = RegistryKey::identity_history(&key);
    let host = ledger.host();
    let read = |index| host.log_read(key.suffix(), index).expect("within the limits");
    let entries = (0..).map_while(read);
    let decode = |entry: Vec<u8>| {
        let entry: precinto_contract::RecordLogEntry = decode_stored(&entry).expect("an entry");
        decode_stored(&entry.payload).expect("an identity")
    };
    entries.map(decode).collect()
}

/// What the last call emitted: key and change.
fn changes(ledger: &MockLedger) -> Vec<(KeyId, String)> {
    let decode = |(topic, payload): &(String, Vec<u8>)| {
        assert_eq!(topic, "governance.identity");
        let event: IdentityEvent = decode_stored(payload).expect("an event");
        (event.key_id, event.change)
    };
    ledger.events().iter().map(decode).collect()
}

/// Asserts that a call is refused with this code because of this field ("": of none).
fn assert_refused(result: Result<Vec<u8>, Failure>, code: &str, field: &str) {
    let failure = result.expect_err("must be refused");
    assert_eq!(failure.code, code, "{}", failure.message);
    assert!(field.is_empty() || failure.message.starts_with(&format!("{field}: ")), "{failure}");
}
