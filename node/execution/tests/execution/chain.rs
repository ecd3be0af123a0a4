//! A channel of two members with one test contract, block by block.

use std::sync::{Arc, OnceLock};

use precinto_execution::{
    BlockEffects, CodeSource, Fatal, ItemFate, KeyCache, Ledger, Persisted, PreparedBlock, Runtime,
};
use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace},
    cbor,
    genesis::{Genesis, Parameter},
    hash::{Hash, sha256},
    identity::{KeyId, Role},
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    outcome::{Outcome, OutcomeRecord},
    registry::{
        ContractEntry, Identity, IdentityStatus, Member, MethodPolicy, Node, NodeRole, parameter,
    },
    state::StateKey,
    statement::{Call, OnBehalf, Statement},
    transaction::{Endorsement, Transaction, TransactionId, endorsement_digest},
};
use precinto_vm::{Engine, ModuleCache};

use crate::memory::MemoryView;

/// Time of genesis, milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_000_000;
/// Time between blocks, milliseconds.
pub(crate) const STEP_MS: u64 = 1_000;
/// How far ahead a transaction may expire.
pub(crate) const MAX_EXPIRY_MS: u64 = 60_000;
/// End of everybody's validity but [`EXPIRED`]'s.
pub(crate) const END_MS: u64 = 10_000_000;
/// Id of the test contract.
pub(crate) const PROBE: u32 = 7;

/// The identities, by the seed of their key.
pub(crate) const NODE_UY: u8 = 1;
pub(crate) const OFFICER_UY: u8 = 2;
pub(crate) const OFFICER_PE: u8 = 3;
pub(crate) const SUPERVISOR_UY: u8 = 4;
pub(crate) const ADMIN_UY: u8 = 5;
pub(crate) const EXPIRED: u8 = 6;
pub(crate) const FUTURE: u8 = 7;
pub(crate) const STRANGER: u8 = 99;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn identity(seed: u8, member: &str, role: Role) -> Identity {
    Identity {
        public_key: key(seed).public().to_bytes(),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: 0,
        valid_until_ms: END_MS,
        status: IdentityStatus::Active,
    }
}

struct OneModule(Vec<u8>);

impl CodeSource for OneModule {
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok((sha256(&[&self.0]) == *hash).then(|| self.0.clone()))
    }
}

fn probe() -> Vec<u8> {
    wat::parse_str(include_str!("probe.wat")).expect("the test contract is sound")
}

/// One engine and one compiled module for all tests.
pub(crate) fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let engine = Arc::new(Engine::new().expect("an engine"));
        let folder = tempfile::tempdir().expect("a folder");
        let modules = ModuleCache::open(engine, folder.path()).expect("a cache");
        Arc::new(Runtime::new(modules, Box::new(OneModule(probe()))))
    });
    Arc::clone(runtime)
}

fn contract(id: u32, name: &str, policies: &[(&str, &str)]) -> ContractEntry {
    let policies = policies.iter().map(|(method, policy)| MethodPolicy {
        method: (*method).into(),
        policy: (*policy).into(),
    });
    ContractEntry {
        id,
        name: name.into(),
        version: 1,
        code_hash: sha256(&[&probe()]),
        policies: policies.collect(),
    }
}

pub(crate) fn probe_entry() -> ContractEntry {
    let officer = "owner.officer";
    contract(
        PROBE,
        "probe",
        &[
            ("a", officer),
            ("c", "owner.officer and owner.supervisor"),
            ("d", officer),
            ("i", officer),
            ("k", officer),
            ("l", officer),
            ("m", "2 of members"),
            ("r", officer),
            ("s", officer),
            ("t", officer),
            ("w", officer),
        ],
    )
}

pub(crate) fn node(id: u64, member: &str, seed: u8) -> Node {
    Node {
        id,
        member: member.into(),
        role: NodeRole::Voter,
        identity_key: key(seed).public().to_bytes(),
        network_key: [seed + 100; 32],
        attestation_key: [seed + 150; 32],
        addresses: vec!["127.0.0.1:7000".into()],
        storage_id: [seed; 16],
        retired_ms: None,
    }
}

pub(crate) fn genesis() -> Genesis {
    let member = |id: &str, country: &str| Member {
        id: id.into(),
        name: id.into(),
        country: country.into(),
        root_key: [0; 32],
    };
    let mut identities = vec![
        identity(NODE_UY, "uy", Role::Node),
        identity(OFFICER_UY, "uy", Role::Officer),
        identity(OFFICER_PE, "pe", Role::Officer),
        identity(SUPERVISOR_UY, "uy", Role::Supervisor),
        identity(ADMIN_UY, "uy", Role::Admin),
        Identity { valid_until_ms: START_MS, ..identity(EXPIRED, "pe", Role::Officer) },
        Identity { valid_from_ms: END_MS - 1, ..identity(FUTURE, "uy", Role::Officer) },
    ];
    identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let parameters = [
        (parameter::ATTEST_MEMBERS, 2),
        (parameter::CALL_FUEL, 1_000_000),
        (parameter::MAX_EXPIRY_MS, MAX_EXPIRY_MS),
    ];
    Genesis {
        version: PROTOCOL_VERSION,
        name: "test/main".into(),
        created_ms: START_MS,
        members: vec![member("pe", "PE"), member("uy", "UY")],
        nodes: vec![node(1, "uy", NODE_UY)],
        identities,
        contracts: vec![
            contract(1, "governance", &[("d", "owner.admin"), ("w", "owner.admin")]),
            probe_entry(),
        ],
        parameters: parameters.map(|(name, value)| Parameter { name: name.into(), value }).to_vec(),
    }
}

/// A transaction to be signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) author: u8,
    pub(crate) call: Call,
    pub(crate) endorsers: Vec<u8>,
}

impl Draft {
    pub(crate) fn by(mut self, author: u8) -> Draft {
        self.author = author;
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Call)) -> Draft {
        change(&mut self.call);
        self
    }

    pub(crate) fn endorsed_by(mut self, endorsers: &[u8]) -> Draft {
        self.endorsers = endorsers.to_vec();
        self
    }

    pub(crate) fn on_behalf(self, role: Role) -> Draft {
        self.by(NODE_UY).with(|call| call.on_behalf = Some(OnBehalf { pseudonym: [4; 16], role }))
    }

    pub(crate) fn sign(&self) -> Transaction {
        let statement = Statement::sign(self.call.clone(), &key(self.author));
        let digest = endorsement_digest(&statement.id(), self.call.contract_version);
        let mut endorsements: Vec<Endorsement> = self
            .endorsers
            .iter()
            .map(|seed| Endorsement {
                key_id: key(*seed).key_id(),
                signature: key(*seed).sign(digest.as_bytes()),
            })
            .collect();
        endorsements.sort_by_key(|endorsement| endorsement.key_id);
        Transaction { statement, endorsements }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        self.sign().encode()
    }

    pub(crate) fn id(&self) -> TransactionId {
        self.sign().id()
    }
}

/// Arguments of the test contract.
pub(crate) fn args(suffix: &[u8], value: &[u8]) -> Vec<u8> {
    [&[suffix.len() as u8], suffix, value].concat()
}

/// A key of the test contract with one component.
pub(crate) fn at(name: &str) -> StateKey {
    StateKey::new(PROBE).component(name.as_bytes()).expect("short")
}

pub(crate) struct Chain {
    pub(crate) ledger: Ledger,
    pub(crate) view: MemoryView,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) channel: Hash,
    nonce: u64,
}

impl Chain {
    pub(crate) fn new() -> Chain {
        let (genesis, keys) = (genesis(), Arc::new(KeyCache::new()));
        let (ledger, effects) =
            Ledger::from_genesis(&genesis, runtime(), Arc::clone(&keys)).expect("sound");
        let mut view = MemoryView::default();
        view.apply(&effects.writes);
        assert_eq!(view.root(), effects.state_root);
        Chain { ledger, view, keys, channel: genesis.hash(), nonce: 0 }
    }

    /// The same chain on another node, as it comes up from what was stored.
    pub(crate) fn restored(&self) -> Chain {
        let keys = Arc::new(KeyCache::new());
        let persisted = Persisted {
            tip: *self.ledger.tip(),
            state_root: self.ledger.trie().root(),
            log: self.ledger.log().clone(),
            membership: self.ledger.membership().clone(),
            plain: self.view.plain.clone().into_iter().map(Ok),
            record_logs: self.view.logs.clone().into_iter().map(|(key, (log, _))| Ok((key, log))),
        };
        let ledger =
            Ledger::restore(persisted, &self.view, runtime(), Arc::clone(&keys)).expect("sound");
        Chain { ledger, view: self.view.clone(), keys, ..*self }
    }

    /// An officer's call of the test contract on the key with one component `name`.
    pub(crate) fn draft(&mut self, method: &str, name: &str, value: &[u8]) -> Draft {
        self.nonce += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_be_bytes());
        Draft {
            author: OFFICER_UY,
            call: Call {
                channel: self.channel,
                contract: "probe".into(),
                contract_version: 1,
                method: method.into(),
                args: args(at(name).suffix(), value),
                nonce,
                expires_ms: self.time_ms() + 20 * STEP_MS,
                on_behalf: None,
            },
            endorsers: Vec::new(),
        }
    }

    /// An administrator's write of a key of the registry.
    pub(crate) fn govern(&mut self, key: &StateKey, value: &[u8]) -> Draft {
        self.draft("w", "", &[]).by(ADMIN_UY).with(|call| {
            call.contract = "governance".into();
            call.args = args(key.suffix(), value);
        })
    }

    /// Time of the last block.
    pub(crate) fn time_ms(&self) -> u64 {
        self.ledger.tip().time_ms
    }

    pub(crate) fn make(&self, time_ms: u64, items: Vec<Vec<u8>>) -> Block {
        let tip = self.ledger.tip();
        let place = BlockPlace {
            origin: tip.origin,
            term: 1,
            raft_index: tip.height + 1,
            previous: tip.content,
        };
        Block::sign(&BlockContent::new(time_ms, items), place, &key(NODE_UY))
    }

    pub(crate) fn try_execute(&mut self, prepared: &PreparedBlock) -> Result<BlockEffects, Fatal> {
        let effects = self.ledger.execute(prepared, &self.view)?;
        self.view.apply(&effects.writes);
        assert_eq!(self.view.root(), effects.state_root, "the store has the state of the root");
        Ok(effects)
    }

    pub(crate) fn execute(&mut self, block: Block) -> BlockEffects {
        let prepared = PreparedBlock::new(block, &self.keys);
        self.try_execute(&prepared).expect("no fatal error")
    }

    pub(crate) fn block_at(&mut self, time_ms: u64, drafts: &[Draft]) -> BlockEffects {
        let items = drafts.iter().map(Draft::encode).collect();
        self.execute(self.make(time_ms, items))
    }

    pub(crate) fn block(&mut self, drafts: &[Draft]) -> BlockEffects {
        self.block_at(self.time_ms() + STEP_MS, drafts)
    }

    /// One item in a block of its own.
    pub(crate) fn item(&mut self, item: Vec<u8>) -> BlockEffects {
        self.execute(self.make(self.time_ms() + STEP_MS, vec![item]))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.view.plain.get(&at(name)).map(Vec::as_slice)
    }
}

/// The only outcome of a block.
pub(crate) fn outcome(effects: &BlockEffects) -> &OutcomeRecord {
    let [(_, record)] = &effects.outcomes[..] else { panic!("one outcome: {effects:?}") };
    record
}

/// The code of the only, rejected, outcome of a block.
pub(crate) fn rejection(effects: &BlockEffects) -> &str {
    match &outcome(effects).outcome {
        Outcome::Rejected { code } => code,
        Outcome::Committed => panic!("committed"),
    }
}

/// The fate of a block's only item, of which nothing must be left.
pub(crate) fn nothing_left(effects: &BlockEffects) -> ItemFate {
    let [fate] = effects.fates[..] else { panic!("one item: {effects:?}") };
    let time = precinto_protocol::registry::SystemKey::time();
    assert_eq!(effects.writes.plain.keys().collect::<Vec<_>>(), [&time]);
    assert!(effects.writes.record_logs.is_empty() && effects.outcomes.is_empty());
    assert!(effects.events.is_empty());
    assert_eq!(effects.leaves.len(), 1, "the block leaf only");
    fate
}

/// The encoding of a registry entry.
pub(crate) fn encoded<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    cbor::encode(value)
}
