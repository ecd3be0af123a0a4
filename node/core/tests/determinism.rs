//! The same blocks give the same bytes on every node: whatever engine keeps the ledger, however
//! many threads check signatures, whether contracts are compiled now or read from a file, and
//! however often the node came up anew.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::Path, sync::Arc, thread};

use minicbor::bytes::ByteVec;
use precinto_consensus::Committed;
use precinto_core::{
    LedgerCell,
    apply::{Applier, prepare},
    open::{Tools, open},
};
use precinto_execution::{BlockEffects, CodeSource, KeyCache, Prechecked, Runtime, precheck};
use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace, Origin},
    genesis::{Genesis, Parameter},
    hash::{Hash, sha256},
    identity::{KeyId, Role},
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    outcome::Outcome,
    registry::{
        ContractEntry, Identity, IdentityStatus, Member, MethodPolicy, Node, NodeRole, parameter,
    },
    state::StateKey,
    statement::{Call, Statement},
    transaction::{Endorsement, Transaction, endorsement_digest},
};
use precinto_storage::{
    ChannelDirectory, Ledger, StorageIdentity, memory::MemoryDisk, snapshot::build,
};
use precinto_vm::{Engine, ModuleCache};

const START_MS: u64 = 1_000_000;
const STEP_MS: u64 = 1_000;
const PROBE: u32 = 7;
const BLOCKS: usize = 12;
const ITEMS: usize = 30;

/// The seeds of the keys; the last one belongs to nobody.
const NODE: u8 = 1;
const UY: u8 = 2;
const PE: u8 = 3;
const STRANGER: u8 = 9;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn probe() -> Vec<u8> {
    wat::parse_str(include_str!("../../execution/tests/execution/probe.wat")).unwrap()
}

fn genesis() -> Genesis {
    let member = |id: &str| Member {
        id: id.into(),
        name: id.into(),
        country: id.to_uppercase(),
        root_key: [0; 32],
    };
    let identity = |seed, member: &str, role| Identity {
        public_key: key(seed).public().to_bytes(),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: 0,
        valid_until_ms: u64::MAX,
        status: IdentityStatus::Active,
    };
    let mut identities = vec![
        identity(NODE, "uy", Role::Node),
        identity(UY, "uy", Role::Officer),
        identity(PE, "pe", Role::Officer),
    ];
    identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let contract = |id, name: &str, policies: &[(&str, &str)]| ContractEntry {
        id,
        name: name.into(),
        version: 1,
        code_hash: sha256(&[&probe()]),
        policies: policies
            .iter()
            .map(|(method, policy)| MethodPolicy {
                method: (*method).into(),
                policy: (*policy).into(),
            })
            .collect(),
    };
    let methods = ["a", "d", "i", "l"].map(|method| (method, "owner.officer"));
    let more =
        [("m", "2 of members"), ("r", "owner"), ("s", "owner"), ("t", "owner"), ("w", "owner")];
    Genesis {
        version: PROTOCOL_VERSION,
        name: "test/main".into(),
        created_ms: START_MS,
        members: vec![member("pe"), member("uy")],
        nodes: vec![Node {
            id: 1,
            member: "uy".into(),
            role: NodeRole::Voter,
            identity_key: key(NODE).public().to_bytes(),
            network_key: [101; 32],
            attestation_key: [102; 32],
            addresses: vec!["127.0.0.1:7000".into()],
            storage_id: [1; 16],
            retired_ms: None,
        }],
        identities,
        contracts: vec![
            contract(1, "governance", &[]),
            contract(PROBE, "probe", &[&methods[..], &more].concat()),
        ],
        parameters: vec![
            Parameter { name: parameter::ATTEST_MEMBERS.into(), value: 2 },
            Parameter { name: parameter::CALL_FUEL.into(), value: 1_000_000 },
            Parameter { name: parameter::MAX_EXPIRY_MS.into(), value: 60_000 },
        ],
    }
}

/// Choices that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// Blocks with something of everything: writes to few keys, record logs, refusals, traps, endless
/// loops, endorsements, repetitions, late ones, strangers and bytes that are nothing.
fn blocks(channel: Hash) -> Vec<Block> {
    let mut dice = Dice(42);
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut previous = Hash::ZERO;
    (1..=BLOCKS as u64)
        .map(|height| {
            let time_ms = START_MS + height * STEP_MS;
            let items = (0..ITEMS).map(|_| item(&mut dice, channel, time_ms, &mut sent)).collect();
            let origin = Origin { channel, epoch: 0 };
            let place = BlockPlace { origin, term: 1, raft_index: height, previous };
            let block = Block::sign(&BlockContent::new(time_ms, items), place, &key(NODE));
            previous = block.header.content;
            block
        })
        .collect()
}

fn item(dice: &mut Dice, channel: Hash, time_ms: u64, sent: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let item = match dice.below(12) {
        0 if !sent.is_empty() => return sent[dice.below(sent.len())].clone(),
        1 => vec![dice.below(256) as u8; dice.below(40)],
        2 => {
            let mut forged = transaction(dice, channel, time_ms).encode();
            let at = dice.below(forged.len());
            forged[at] ^= 1;
            forged
        }
        _ => transaction(dice, channel, time_ms).encode(),
    };
    sent.push(item.clone());
    item
}

fn transaction(dice: &mut Dice, channel: Hash, time_ms: u64) -> Transaction {
    let name = dice.one(&[&b"a"[..], b"b", b"c", b"\0"]);
    let name = StateKey::new(PROBE).component(name).unwrap();
    let method = dice.one(&["w", "w", "i", "i", "a", "d", "r", "t", "l", "m", "s", "none"]);
    // Record logs have keys of their own.
    let suffix =
        if method == "a" { [name.suffix(), b"l\0\x01"].concat() } else { name.suffix().into() };
    let value = vec![dice.below(256) as u8; dice.below(60)];
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&dice.0.to_be_bytes());
    let author = key(dice.one(&[UY, UY, PE, NODE, STRANGER]));
    let call = Call {
        channel,
        contract: "probe".into(),
        contract_version: 1,
        method: method.into(),
        args: [&[suffix.len() as u8][..], &suffix, &value].concat(),
        nonce,
        expires_ms: time_ms + dice.one(&[0, 1, 3_000, 50_000, 500_000]),
        on_behalf: None,
    };
    let mut transaction = Transaction::new(Statement::sign(call, &author));
    let endorser = key(dice.one(&[UY, PE]));
    if method == "m" && endorser.key_id() != author.key_id() {
        let digest = endorsement_digest(&transaction.id(), 1);
        let signature = endorser.sign(digest.as_bytes());
        transaction.endorsements = vec![Endorsement { key_id: endorser.key_id(), signature }];
    }
    transaction
}

struct Code;

impl CodeSource for Code {
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok(Some(probe()).filter(|code| sha256(&[code]) == *hash))
    }
}

/// Engine, contracts and keys of a node that has just come up.
fn new_tools(engine: &Arc<Engine>, compiled: &Path) -> Tools {
    let modules = ModuleCache::open(Arc::clone(engine), compiled).unwrap();
    Tools {
        runtime: Arc::new(Runtime::new(modules, Box::new(Code))),
        keys: Arc::new(KeyCache::new()),
    }
}

fn check(items: &[ByteVec], keys: &KeyCache, threads: usize) -> Vec<Prechecked> {
    thread::scope(|scope| {
        let parts = items.chunks(items.len().div_ceil(threads));
        let checks: Vec<_> = parts
            .map(|part| {
                scope.spawn(|| part.iter().map(|item| precheck(item, keys)).collect::<Vec<_>>())
            })
            .collect();
        checks.into_iter().flat_map(|check| check.join().unwrap()).collect()
    })
}

/// What a run leaves: the effects of each block, and the snapshot.
#[derive(PartialEq, Debug)]
struct Left {
    effects: Vec<BlockEffects>,
    manifest: Vec<u8>,
    chunks: Vec<Vec<u8>>,
}

/// Where a node keeps its ledger.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Memory,
    Disk,
    /// On disk, closed and opened again before every block: every block is a file of its own, and
    /// files are compacted.
    Reopened,
}

/// A node that has just come up with this ledger.
fn start(ledger: Ledger, tools: &Tools) -> Applier {
    let executor = open(&ledger, &genesis(), tools).unwrap();
    Applier::new(executor, LedgerCell::new(ledger))
}

/// Executes the blocks with a module cache in `compiled`.
fn run(blocks: &[Block], place: Place, threads: usize, compiled: &Path) -> Left {
    let genesis = genesis().hash();
    let engine = Arc::new(Engine::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let directory = ChannelDirectory::new(folder.path());
    let identity = StorageIdentity { storage_id: [1; 16], node: 1, genesis };
    let ledger = match place {
        Place::Memory => Ledger::create_in_memory(&MemoryDisk::new(), identity).unwrap(),
        Place::Disk | Place::Reopened => directory.create(identity).unwrap().1,
    };
    let mut tools = new_tools(&engine, compiled);
    let mut applier = start(ledger, &tools);
    let mut effects = Vec::new();
    for block in blocks {
        if place == Place::Reopened {
            drop(applier);
            tools = new_tools(&engine, compiled);
            applier = start(directory.open(1, &genesis).unwrap().1, &tools);
        }
        let (index, bytes) = (block.header.raft_index, block.encode());
        let entry = Committed { index, term: 1, block: bytes, change: None };
        let job = prepare(entry, |items| check(items, &tools.keys, threads));
        effects.extend(applier.apply(job).unwrap().effects);
    }
    let mut chunks = Vec::new();
    let manifest = build(&applier.ledger().view(), |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    Left { effects, manifest: manifest.unwrap().encode(), chunks }
}

#[test]
fn the_same_blocks_leave_the_same_bytes_on_every_node() {
    let blocks = blocks(genesis().hash());
    let (cold, warm) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = run(&blocks, Place::Memory, 1, warm.path());
    let kinds = first.effects.iter().flat_map(|effects| &effects.outcomes);
    let committed =
        kinds.clone().filter(|(_, record)| record.outcome == Outcome::Committed).count();
    let outcomes = kinds.count();
    assert!(committed > 50 && outcomes - committed > 50, "{committed} of {outcomes}: both kinds");
    for (place, threads, compiled) in [
        (Place::Memory, 7, cold.path()),
        (Place::Memory, 2, cold.path()),
        (Place::Disk, 1, warm.path()),
        (Place::Disk, 7, warm.path()),
        (Place::Reopened, 2, warm.path()),
    ] {
        let again = run(&blocks, place, threads, compiled);
        for (block, (expected, found)) in first.effects.iter().zip(&again.effects).enumerate() {
            assert_eq!(found, expected, "block {} with {threads} threads", block + 1);
        }
        assert!(again == first, "the snapshots differ");
    }
}
