use minicbor::bytes::ByteVec;
use precinto_protocol::{
    block::{BlockContent, BlockPlace, Origin},
    governance::Revoke,
    identity::Role,
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    outcome::code,
    registry::{IdentityStatus, MethodPolicy},
    statement::{Call, Statement},
};

use super::*;

const PROBE_ID: u32 = 3;
const CREATED_MS: u64 = 1_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn identity(seed: u8, valid_until_ms: u64) -> Identity {
    Identity {
        public_key: key(seed).public().to_bytes(),
        member: "uy".into(),
        roles: vec![Role::Officer],
        valid_from_ms: 0,
        valid_until_ms,
        status: IdentityStatus::Active,
    }
}

/// Identities 1 and 2, and 3 whose time is soon over. (The model asks for no more.)
fn genesis() -> Genesis {
    let contract = |id, name: &str, methods: &[&str]| {
        let policy = |method: &&str| MethodPolicy {
            method: (*method).to_owned(),
            policy: "anyone".to_owned(),
        };
        let policies = methods.iter().map(policy).collect();
        ContractEntry { id, name: name.into(), version: 1, code_hash: Hash::ZERO, policies }
    };
    Genesis {
        version: PROTOCOL_VERSION,
        name: "test".into(),
        created_ms: CREATED_MS,
        members: vec![],
        nodes: vec![],
        identities: vec![identity(1, u64::MAX), identity(2, u64::MAX), identity(3, CREATED_MS + 1)],
        contracts: vec![
            contract(1, "governance", &["revoke"]),
            contract(PROBE_ID, PROBE, &["append", "remove", "set", "set-then-reject"]),
        ],
        parameters: vec![],
    }
}

/// A block under construction, and what a node says of it.
struct Story {
    model: Model,
    time_ms: u64,
    nonce: u8,
    items: Vec<Vec<u8>>,
    told: Vec<(TransactionId, Outcome)>,
}

fn bytes(text: &str) -> ByteVec {
    text.as_bytes().to_vec().into()
}

fn rejected(code: &str) -> Outcome {
    Outcome::Rejected { code: code.into() }
}

impl Story {
    fn new() -> Story {
        let model = Model::new(&genesis());
        Story { model, time_ms: CREATED_MS + 1_000, nonce: 0, items: vec![], told: vec![] }
    }

    fn call(&mut self, method: &str, args: Vec<u8>) -> Call {
        self.nonce += 1;
        Call {
            channel: genesis().hash(),
            contract: if method == "revoke" { "governance" } else { PROBE }.into(),
            contract_version: 1,
            method: method.into(),
            args,
            nonce: [self.nonce; 16],
            expires_ms: self.time_ms + 500,
            on_behalf: None,
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Call {
        self.call("set", cbor::encode(&(bytes(name), bytes(value))))
    }

    fn add(&mut self, seed: u8, call: Call, told: Option<Outcome>) {
        let transaction = Transaction::new(Statement::sign(call, &key(seed)));
        self.items.push(transaction.encode());
        self.told.extend(told.map(|outcome| (transaction.id(), outcome)));
    }

    /// The block is ordered.
    fn close(&mut self) -> Verdict {
        let place = BlockPlace {
            origin: Origin { channel: genesis().hash(), epoch: 0 },
            term: 1,
            raft_index: 1,
            previous: Hash::ZERO,
        };
        let content = BlockContent::new(self.time_ms, std::mem::take(&mut self.items));
        self.time_ms += 1_000;
        let told = std::mem::take(&mut self.told);
        self.model.block(&Block::sign(&content, place, &key(9)), &told)
    }
}

/// One item by one author: whether the model agrees that this came out.
fn agrees(seed: u8, change: impl FnOnce(&mut Call), told: Option<Outcome>) -> bool {
    let mut story = Story::new();
    let mut call = story.set("a", "1");
    change(&mut call);
    story.add(seed, call, told);
    story.close().is_ok()
}

/// The model agrees with the right outcome, and with no other.
fn decides(seed: u8, change: fn(&mut Call), right: Option<Outcome>) {
    for told in [None, Some(Outcome::Committed), Some(rejected("x")), right.clone()] {
        let expected = told == right;
        assert_eq!(agrees(seed, change, told.clone()), expected, "{told:?} for {right:?}");
    }
}

#[test]
fn the_table_is_kept() {
    decides(1, |_| {}, Some(Outcome::Committed));
    decides(1, |call| call.channel = Hash::ZERO, None);
    decides(8, |_| {}, None);
    decides(1, |call| call.expires_ms = CREATED_MS + 999, None);
    decides(1, |call| call.expires_ms = CREATED_MS + 1_000, Some(Outcome::Committed));
    decides(1, |call| call.expires_ms += DEFAULT_MAX_EXPIRY_MS, None);
    decides(3, |_| {}, Some(rejected(code::IDENTITY_EXPIRED)));
    decides(1, |call| call.contract = "none".into(), Some(rejected(code::UNKNOWN_CONTRACT)));
    decides(1, |call| call.contract_version = 2, Some(rejected(code::CONTRACT_CHANGED)));
    decides(1, |call| call.method = "spin".into(), Some(rejected(code::UNKNOWN_METHOD)));
    decides(1, |call| call.method = "set-then-reject".into(), Some(rejected("on-purpose")));
    decides(1, |call| call.args = vec![0], Some(rejected("bad-arguments")));
}

#[test]
fn void_bytes_and_forged_signatures_leave_nothing() {
    for forged in [false, true] {
        let mut story = Story::new();
        let call = story.set("a", "1");
        story.add(1, call, None);
        let last = story.items[0].len();
        // The statement ends in its signature, the transaction in an empty list.
        if forged {
            story.items[0][last - 2] ^= 1
        } else {
            story.items[0].truncate(last - 1)
        }
        assert_eq!(story.close(), Ok(()));
    }
}

#[test]
fn a_repeated_transaction_leaves_nothing_while_it_is_remembered() {
    let mut story = Story::new();
    let mut call = story.set("a", "1");
    call.expires_ms = story.time_ms + 1_000;
    story.add(1, call.clone(), Some(Outcome::Committed));
    story.add(1, call.clone(), None);
    assert_eq!(story.close(), Ok(()));
    story.add(1, call.clone(), None);
    assert_eq!(story.close(), Ok(()));
    story.add(1, call, Some(Outcome::Committed));
    assert!(story.close().is_err(), "executed twice");
}

#[test]
fn a_revoked_key_signs_no_more() {
    let mut story = Story::new();
    let revoke = Revoke { key_id: key(2).public().key_id(), reason: "lost".into() };
    let call = story.call("revoke", cbor::encode(&revoke));
    story.add(1, call, Some(Outcome::Committed));
    let call = story.set("a", "1");
    story.add(2, call, Some(rejected(code::IDENTITY_REVOKED)));
    assert_eq!(story.close(), Ok(()));
    let call = story.set("a", "1");
    story.add(2, call, Some(Outcome::Committed));
    assert!(story.close().is_err());
}

/// Two values, one of them removed, a record log of two entries, and a rejected call.
fn executed() -> (Model, Contents) {
    let mut story = Story::new();
    let sets = [story.set("a", "1"), story.set("b", "2"), story.set("a", "3")];
    let append = cbor::encode(&(bytes("log"), bytes("entry")));
    let calls = [
        story.call("append", append.clone()),
        story.call("append", append),
        story.call("remove", cbor::encode(&(bytes("b"),))),
    ];
    for call in sets.into_iter().chain(calls) {
        story.add(1, call, Some(Outcome::Committed));
    }
    let reject = story.call("set-then-reject", cbor::encode(&(bytes("c"),)));
    story.add(1, reject, Some(rejected("on-purpose")));
    assert_eq!(story.close(), Ok(()));

    let place = |name: &str| StateKey::new(PROBE_ID).component(name.as_bytes()).expect("short");
    let mut plain = BTreeMap::from([
        (place("a"), b"3".to_vec()),
        (StateKey::new(1).component(b"other").expect("short"), b"of another contract".to_vec()),
    ]);
    let expires_ms = CREATED_MS + 1_500;
    plain.extend(story.model.executions().map(|(id, execution)| {
        (SystemKey::replay(expires_ms, &id), cbor::encode(&execution.height))
    }));
    let record_logs = BTreeMap::from([(place("log"), vec![b"entry".to_vec(); 2])]);
    (story.model, Contents { plain, record_logs })
}

#[test]
fn the_state_is_that_of_the_model() {
    let (model, contents) = executed();
    assert_eq!(model.expect("here", &contents), Ok(()));
    assert_eq!((model.height(), model.executions().count()), (1, 7));
    let keys: Vec<StateKey> = contents.plain.keys().cloned().collect();
    assert_eq!(keys.len(), 9);
    for key in keys.into_iter().filter(|key| key.contract() != 1) {
        let mut lost = contents.clone();
        lost.plain.remove(&key);
        assert!(model.expect("here", &lost).is_err(), "{key:?} lost");
        let mut other = contents.clone();
        other.plain.insert(key.clone(), b"other".to_vec());
        assert!(model.expect("here", &other).is_err(), "{key:?} another");
    }
}

#[test]
fn an_entry_too_many_is_found() {
    let (model, contents) = executed();
    let surplus = StateKey::new(PROBE_ID).component(b"c").expect("short");
    let mut more = contents.clone();
    more.plain.insert(surplus, b"never seen".to_vec());
    assert!(model.expect("here", &more).is_err());
    let mut longer = contents.clone();
    longer.record_logs.values_mut().for_each(|entries| entries.push(b"entry".to_vec()));
    assert!(model.expect("here", &longer).is_err());
}

#[test]
fn replay_entries_go_when_their_time_is_over() {
    let mut story = Story::new();
    let call = story.set("a", "1");
    story.add(1, call, Some(Outcome::Committed));
    story.close().expect("executed");
    assert_eq!(story.model.replay_entries().count(), 1);
    story.close().expect("empty, a second later");
    assert_eq!(story.model.replay_entries().count(), 0);
}
