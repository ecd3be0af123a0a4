//! The same blocks give the same effects on every node, whatever its past.

use std::sync::Arc;

use precinto_execution::{
    BlockEffects, CodeSource, Fatal, KeyCache, Ledger, Persisted, PreparedBlock, Runtime,
    StateView, ViewError, precheck,
};
use precinto_protocol::{
    block::{Block, BlockContent},
    hash::Hash,
    log::Frontier,
    registry::RegistryKey,
    state::StateKey,
};
use precinto_vm::{Engine, ModuleCache};
use proptest::prelude::*;

use crate::{chain::*, memory::MemoryView};

/// One item of a random block.
#[derive(Debug, Clone)]
struct Step {
    method: &'static str,
    name: &'static str,
    value: Vec<u8>,
    author: u8,
    endorsers: Vec<u8>,
    lifetime_ms: u64,
    /// Send an earlier item again instead, counted from the end.
    again: Option<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    (
        prop::sample::select(vec!["w", "w", "d", "i", "a", "s", "r", "t", "l", "m", "g"]),
        prop::sample::select(vec!["a", "b", "c", "\0", "a longer name"]),
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![OFFICER_UY, OFFICER_UY, OFFICER_PE, EXPIRED, STRANGER]),
        prop::sample::select(vec![vec![], vec![], vec![OFFICER_PE], vec![OFFICER_UY]]),
        prop::sample::select(vec![0, STEP_MS, 3 * STEP_MS, 2 * MAX_EXPIRY_MS]),
        prop::option::weighted(0.2, 0..10_usize),
    )
        .prop_map(|(method, name, value, author, endorsers, lifetime_ms, again)| Step {
            method,
            name,
            value,
            author,
            endorsers,
            lifetime_ms,
            again,
        })
}

fn items(chain: &mut Chain, steps: &[Step], sent: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    for step in steps {
        let earlier = step.again.and_then(|back| sent.iter().rev().nth(back).cloned());
        let item = earlier.unwrap_or_else(|| {
            let expires_ms = chain.time_ms() + step.lifetime_ms;
            chain
                .draft(step.method, step.name, &step.value)
                .by(step.author)
                .endorsed_by(&step.endorsers)
                .with(|call| call.expires_ms = expires_ms)
                .encode()
        });
        sent.push(item.clone());
        items.push(item);
    }
    items
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// One node runs on; the other comes up anew before every block and knows no key. After each
    /// block the root is recomputed from the stored entries (`Chain::try_execute`).
    #[test]
    fn a_node_that_restarts_gives_the_same_effects(
        blocks in prop::collection::vec(prop::collection::vec(step(), 0..8), 1..6)
    ) {
        let mut running = Chain::new();
        let mut restarted = Chain::new();
        let mut sent = Vec::new();
        for steps in &blocks {
            let items = items(&mut running, steps, &mut sent);
            let block = running.make(running.time_ms() + STEP_MS, items);
            let prepared = PreparedBlock::prechecked_by(block.clone(), |items| {
                items.iter().map(|item| precheck(item, &running.keys)).collect()
            });
            let effects = running.try_execute(&prepared).expect("no fatal error");
            restarted = restarted.restored();
            let unknown = KeyCache::new();
            let prepared = PreparedBlock::new(block, &unknown);
            prop_assert_eq!(&restarted.try_execute(&prepared).expect("no fatal error"), &effects);
            prop_assert_eq!(&running.view, &restarted.view);
            check_shape(&effects, steps.len());
        }
    }
}

/// What must hold of every block's effects.
fn check_shape(effects: &BlockEffects, items: usize) {
    assert_eq!(effects.fates.len(), items);
    let mut ids: Vec<_> = effects.outcomes.iter().map(|(id, _)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), effects.outcomes.len(), "no transaction has two outcomes");
    assert_eq!(effects.log.size(), effects.first_leaf + effects.leaves.len() as u64);
}

#[test]
#[should_panic(expected = "every item of a block is prechecked")]
fn a_block_without_all_its_prechecks_is_a_bug() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v");
    let block = chain.make(chain.time_ms() + STEP_MS, vec![draft.encode()]);
    PreparedBlock::prechecked_by(block, |_| vec![]);
}

#[test]
fn a_block_that_does_not_continue_the_ledger_is_fatal() {
    let mut chain = Chain::new();
    chain.block(&[]);
    let refused = |chain: &mut Chain, block: Block| {
        let prepared = PreparedBlock::new(block, &chain.keys);
        matches!(chain.try_execute(&prepared), Err(Fatal::Discontinuous(_)))
    };
    let good = chain.make(chain.time_ms() + STEP_MS, vec![]);
    let mut fork = good.clone();
    fork.header.previous = Hash([7; 32]);
    let mut elsewhere = good.clone();
    elsewhere.header.origin.epoch = 1;
    let late = chain.make(chain.time_ms(), vec![]);
    for block in [fork, elsewhere, late] {
        assert!(refused(&mut chain, block));
    }
    let future = BlockContent { version: 2, ..good.content() };
    let place = precinto_protocol::block::BlockPlace {
        origin: good.header.origin,
        term: 1,
        raft_index: 2,
        previous: good.header.previous,
    };
    assert!(refused(&mut chain, Block::sign(&future, place, &key(NODE_UY))));
    assert!(!refused(&mut chain, good));
}

#[test]
fn an_unsound_genesis_is_refused_with_all_its_problems() {
    let mut unsound = genesis();
    unsound.members.clear();
    unsound.nodes.clear();
    let refused = Ledger::from_genesis(&unsound, runtime(), Arc::default()).map(|_| ());
    assert!(matches!(refused, Err(Fatal::Genesis(problems)) if problems.len() > 1));
}

/// A store of code that holds what it is given, under any name.
struct Anything(Option<Vec<u8>>);

impl CodeSource for Anything {
    fn code(&self, _: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.clone())
    }
}

fn runtime_with(code: Option<Vec<u8>>) -> Arc<Runtime> {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Arc::new(Engine::new().expect("an engine"));
    let modules = ModuleCache::open(engine, folder.path()).expect("a cache");
    Arc::new(Runtime::new(modules, Box::new(Anything(code))))
}

#[test]
fn missing_and_unsound_code_stop_the_node() {
    let genesis = genesis();
    let hash = genesis.contracts[0].code_hash;
    for code in [None, Some(b"other code".to_vec())] {
        let refused = Ledger::from_genesis(&genesis, runtime_with(code), Arc::default());
        assert_eq!(refused.map(|_| ()), Err(Fatal::MissingCode(hash)));
    }
    let mut broken = genesis;
    for contract in &mut broken.contracts {
        contract.code_hash = precinto_protocol::hash::sha256(&[b"no wasm"]);
    }
    let refused =
        Ledger::from_genesis(&broken, runtime_with(Some(b"no wasm".to_vec())), Arc::default());
    assert!(matches!(refused.map(|_| ()), Err(Fatal::Runtime(_))));
    let chain = Chain::new();
    let restored = restore(&chain, |_| {}, runtime_with(None));
    assert_eq!(restored, Err(Fatal::MissingCode(hash)));
}

type Stored = (Vec<Result<(StateKey, Vec<u8>), ViewError>>, Hash);

fn restore(
    chain: &Chain,
    change: impl FnOnce(&mut Stored),
    runtime: Arc<Runtime>,
) -> Result<Hash, Fatal> {
    let mut stored: Stored =
        (chain.view.plain.clone().into_iter().map(Ok).collect(), chain.ledger.trie().root());
    change(&mut stored);
    let persisted = Persisted {
        tip: *chain.ledger.tip(),
        state_root: stored.1,
        log: chain.ledger.log().clone(),
        membership: chain.ledger.membership().clone(),
        plain: stored.0,
        record_logs: Vec::<Result<(StateKey, Frontier), ViewError>>::new(),
    };
    let view: &MemoryView = &chain.view;
    let ledger = Ledger::restore(persisted, view as &dyn StateView, runtime, Arc::default())?;
    Ok(ledger.trie().root())
}

#[test]
fn a_store_that_is_not_what_was_executed_is_not_restored() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v");
    chain.block(&[draft]);
    let root = chain.ledger.trie().root();
    assert_eq!(restore(&chain, |_| {}, runtime()), Ok(root));
    let lost = restore(&chain, |stored| drop(stored.0.pop()), runtime());
    assert!(matches!(lost, Err(Fatal::RootMismatch { expected, .. }) if expected == root));
    let other = restore(&chain, |stored| stored.1 = Hash::ZERO, runtime());
    assert_eq!(other, Err(Fatal::RootMismatch { expected: Hash::ZERO, found: root }));
    let swapped = restore(&chain, |stored| stored.0.swap(0, 1), runtime());
    assert_eq!(swapped, Err(Fatal::NotAscending));
    let error = ViewError::Corrupt(RegistryKey::members());
    let failing = restore(&chain, |stored| stored.0[3] = Err(error.clone()), runtime());
    assert_eq!(failing, Err(Fatal::View(error)));
}
