//! Genesis, keys and transactions of a network of one node.

use std::{env, fs, path::PathBuf, sync::Arc};

use precinto_core::open::Tools;
use precinto_execution::{CodeSource, KeyCache, Runtime};
use precinto_protocol::{
    aeo::{AeoType, CONTRACT, Certify, Date, SupplyChainRole, Terms},
    block::{Block, BlockContent, BlockPlace, Origin},
    cbor,
    genesis::Genesis,
    hash::{Hash, sha256, tagged},
    identity::Role,
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    registry::{ContractEntry, Identity, IdentityStatus, Member, MethodPolicy, Node, NodeRole},
    statement::{Call, OnBehalf, Statement},
    transaction::Transaction,
};
use precinto_vm::{Engine, ModuleCache};
use tempfile::TempDir;

/// Transactions of one block: what 4 clients with 100 per request make of it when nothing waits.
pub const BLOCK_TRANSACTIONS: usize = 100;

/// The contract whose calls do nothing, for what a call costs in itself.
pub const PROBE: &str = "probe";

/// An arrangement of nobody: a question about it is answered by look-ups alone.
pub const MRA: &str = "mercosur";

/// Contracts of the network with their ids, by name.
const CONTRACTS: [(&str, u32); 3] = [(CONTRACT, 2), ("governance", 1), (PROBE, 7)];

/// The member's id.
const MEMBER: &str = "uy-dna";

/// When the network was made: 2026-01-01, milliseconds since 1970.
const CREATED_MS: u64 = 1_767_225_600_000;

/// Ledger time between two blocks.
const BLOCK_MS: u64 = 50;

/// How long a transaction stays valid: short, so that replay entries are removed as fast as they
/// are made, as in a network that runs for a while.
const EXPIRES_AFTER_MS: u64 = 5_000;

/// A network of one node, and what its clients do.
pub struct Network {
    /// Its genesis.
    pub genesis: Genesis,
    /// What execution needs.
    pub tools: Tools,
    key: SigningKey,
    made: u64,
    tip: Tip,
    _modules: TempDir,
}

/// Where the next block goes.
#[derive(Clone, Copy)]
struct Tip {
    index: u64,
    content: Hash,
    time_ms: u64,
}

impl Network {
    /// A network with the built contracts.
    ///
    /// # Panics
    /// If they have not been built (`scripts/build-contracts.sh`).
    #[expect(clippy::new_without_default, reason = "it reads files and compiles")]
    pub fn new() -> Network {
        let modules = tempfile::tempdir().expect("a temporary directory");
        let contracts = CONTRACTS.map(|(name, id)| contract(name, id));
        let engine = Arc::new(Engine::new().expect("an engine"));
        let cache = ModuleCache::open(engine, modules.path()).expect("a cache of modules");
        let tools = Tools {
            runtime: Arc::new(Runtime::new(cache, Box::new(Built))),
            keys: Arc::new(KeyCache::new()),
        };
        let key = SigningKey::from_seed(&[1; 32]);
        let genesis = genesis(&key, contracts.to_vec());
        let tip = Tip { index: 0, content: Hash::ZERO, time_ms: CREATED_MS };
        Network { genesis, tools, key, made: 0, tip, _modules: modules }
    }

    /// The node's key, which signs transactions and blocks.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The channel.
    pub fn origin(&self) -> Origin {
        Origin { channel: self.genesis.hash(), epoch: 0 }
    }

    /// Time of the newest block.
    pub fn time_ms(&self) -> u64 {
        self.tip.time_ms
    }

    /// How many certifications were made.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// The lookup tag of the operator that certification `number` is about.
    pub fn operator(number: u64) -> Hash {
        tagged("precinto/steps", &[&number.to_be_bytes()])
    }

    /// A signed and encoded certification of an operator that nobody certified before.
    pub fn certify(&mut self) -> Vec<u8> {
        let number = self.made;
        self.made += 1;
        let today = Date::of_ms(CREATED_MS);
        let args = Certify {
            operator: Network::operator(number),
            number: format!("UY-{number}"),
            valid_from: today,
            terms: Terms {
                types: vec![AeoType::C],
                roles: vec![SupplyChainRole::Importer],
                valid_until: Some(Date(today.0 + 365)),
                consent: true,
                identifier: None,
                record: None,
            },
        };
        self.sign(number, cbor::encode(&args))
    }

    fn sign(&self, number: u64, args: Vec<u8>) -> Vec<u8> {
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        let call = Call {
            channel: self.genesis.hash(),
            contract: CONTRACT.into(),
            contract_version: 1,
            method: "certify".into(),
            args,
            nonce,
            expires_ms: self.tip.time_ms + EXPIRES_AFTER_MS,
            on_behalf: Some(OnBehalf { pseudonym: [1; 16], role: Role::Officer }),
        };
        Transaction::new(Statement::sign(call, &self.key)).encode()
    }

    /// The next block, of so many certifications.
    pub fn block(&mut self, transactions: usize) -> Block {
        let items = (0..transactions).map(|_| self.certify()).collect();
        self.block_of(items)
    }

    /// The next block, of these transactions.
    pub fn block_of(&mut self, items: Vec<Vec<u8>>) -> Block {
        let place = BlockPlace {
            origin: self.origin(),
            term: 1,
            raft_index: self.tip.index + 1,
            previous: self.tip.content,
        };
        let time_ms = self.tip.time_ms + BLOCK_MS;
        let block = Block::sign(&BlockContent::new(time_ms, items), place, &self.key);
        self.tip = Tip { index: place.raft_index, content: block.header.content, time_ms };
        block
    }
}

/// Contracts as the build left them.
struct Built;

impl CodeSource for Built {
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        let modules = CONTRACTS.map(|(name, _)| module(name));
        Ok(modules.into_iter().find(|module| sha256(&[module]) == *hash))
    }
}

fn module(name: &str) -> Vec<u8> {
    let path = target_dir().join("contracts").join(name).with_extension("wasm");
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run scripts/build-contracts.sh", path.display())
    })
}

/// Where builds go: given by the environment, or found from the running program
/// (`<target>/<profile>/precinto-cost`, `<target>/<profile>/deps/<bench>`).
fn target_dir() -> PathBuf {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR") {
        return dir.into();
    }
    let program = env::current_exe().expect("a program knows its own path");
    let built = program.ancestors().find(|dir| dir.join("contracts").is_dir());
    built.expect("the contracts are built").into()
}

fn contract(name: &str, id: u32) -> ContractEntry {
    let policy =
        |method: &str| MethodPolicy { method: method.into(), policy: "owner.officer".into() };
    ContractEntry {
        id,
        name: name.into(),
        version: 1,
        code_hash: sha256(&[&module(name)]),
        policies: vec![policy("certify")],
    }
}

fn genesis(key: &SigningKey, contracts: Vec<ContractEntry>) -> Genesis {
    let public = key.public().to_bytes();
    Genesis {
        version: PROTOCOL_VERSION,
        name: "steps".into(),
        created_ms: CREATED_MS,
        members: vec![Member {
            id: MEMBER.into(),
            name: MEMBER.into(),
            country: "UY".into(),
            root_key: [0; 32],
        }],
        nodes: vec![Node {
            id: 1,
            member: MEMBER.into(),
            role: NodeRole::Voter,
            identity_key: public,
            network_key: [2; 32],
            attestation_key: [3; 32],
            addresses: vec!["127.0.0.1:7701".into()],
            storage_id: [1; 16],
            retired_ms: None,
        }],
        identities: vec![Identity {
            public_key: public,
            member: MEMBER.into(),
            roles: vec![Role::Node],
            valid_from_ms: 0,
            valid_until_ms: u64::MAX >> 1,
            status: IdentityStatus::Active,
        }],
        contracts,
        parameters: Vec::new(),
    }
}
