//! What one certification costs a node, step by step: processor time, allocations, bytes.
//!
//! Processor time of the thread, so that what else runs on the machine counts little. Blocks go
//! through the steps of `precinto-core` on a real ledger; background work of the database is not in
//! it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    fs::read_to_string,
    io::{Write, stdout},
    sync::atomic::{AtomicU64, Ordering},
};

use precinto_core::{
    StatePort,
    apply::{Job, prepare},
};
use precinto_execution::{Admission, KeyCache, Ledger, PreparedBlock, precheck};
use precinto_protocol::block::Block;
use precinto_steps::{BLOCK_TRANSACTIONS, MemoryView, Network, Node};
use precinto_storage::{LogBatch, LogEntry};

/// Counts what is allocated.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(size as u64, Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a step has cost so far.
struct Cost {
    step: &'static str,
    nanoseconds: u64,
    allocations: u64,
    allocated: u64,
}

/// The steps' costs, in the order in which they were first taken.
#[derive(Default)]
struct Costs(Vec<Cost>);

impl Costs {
    fn measure<T>(&mut self, step: &'static str, take: impl FnOnce() -> T) -> T {
        let before = (thread_nanoseconds(), allocations());
        let result = take();
        let after = (thread_nanoseconds(), allocations());
        let known = self.0.iter().position(|cost| cost.step == step);
        let at = known.unwrap_or_else(|| {
            self.0.push(Cost { step, nanoseconds: 0, allocations: 0, allocated: 0 });
            self.0.len() - 1
        });
        let cost = &mut self.0[at];
        cost.nanoseconds += after.0 - before.0;
        cost.allocations += after.1.0 - before.1.0;
        cost.allocated += after.1.1 - before.1.1;
        result
    }

    fn print(&self, transactions: usize) -> std::io::Result<()> {
        let mut out = stdout().lock();
        writeln!(out, "{:44}{:>10}{:>13}{:>12}", "per transaction", "us", "allocations", "bytes")?;
        let per = |total: u64| total as f64 / transactions as f64;
        for cost in &self.0 {
            writeln!(
                out,
                "{:44}{:>10.1}{:>13.1}{:>12.0}",
                cost.step,
                per(cost.nanoseconds) / 1_000.0,
                per(cost.allocations),
                per(cost.allocated),
            )?;
        }
        Ok(())
    }
}

fn allocations() -> (u64, u64) {
    (ALLOCATIONS.load(Ordering::Relaxed), ALLOCATED.load(Ordering::Relaxed))
}

/// Time that this thread was on a processor.
fn thread_nanoseconds() -> u64 {
    let text = read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let first = text.split_whitespace().next().expect("three numbers");
    first.parse().expect("a number")
}

/// One node, executed twice: with its ledger on disk, and in memory alone.
struct Bench {
    network: Network,
    node: Node,
    memory: (Ledger, MemoryView),
    /// The keys of a node that did not admit the transactions.
    other_keys: KeyCache,
    costs: Costs,
}

impl Bench {
    fn new() -> Bench {
        let network = Network::new();
        let node = Node::new(&network);
        let tools = &network.tools;
        let in_memory =
            Ledger::from_genesis(&network.genesis, tools.runtime.clone(), tools.keys.clone());
        let (executor, effects) = in_memory.expect("a genesis");
        let mut view = MemoryView::default();
        view.apply(effects.writes);
        let other_keys = KeyCache::new();
        let key = network.key().public();
        other_keys.resolve(&key.key_id(), &key.to_bytes());
        Bench { network, node, memory: (executor, view), other_keys, costs: Costs::default() }
    }

    fn block(&mut self) {
        let (network, costs) = (&mut self.network, &mut self.costs);
        let items: Vec<_> = (0..BLOCK_TRANSACTIONS).map(|_| network.certify()).collect();
        let (channel, time_ms) = (network.origin().channel, network.time_ms());
        let keys = &network.tools.keys;
        costs.measure("admit (where it is submitted)", || {
            let state = StatePort(self.node.ledger.view());
            let mut admission = Admission::new(&state, keys, channel, time_ms).expect("a state");
            for item in &items {
                admission.admit(item).expect("a good transaction");
            }
        });
        let block = costs.measure("make and sign the block (leader)", || network.block_of(items));
        let bytes = costs.measure("encode the block (leader)", || block.encode());
        let key = network.key().public();
        costs.measure("decode and check the block (follower)", || {
            Block::decode(&bytes).expect("canonical").verify(&key).expect("signed")
        });
        let (index, term) = (block.header.raft_index, block.header.term);
        let batch = LogBatch {
            entries: vec![LogEntry { index, term, payload: bytes.clone() }],
            sync: true,
            ..LogBatch::default()
        };
        costs
            .measure("write the raft log", || self.node.raft_log.append(&[batch]).expect("a disk"));
        costs.measure("check signatures (did not admit it)", || {
            for item in block.content().items {
                precheck(&item, &self.other_keys);
            }
        });
        let keys = &network.tools.keys;
        let job: Job = costs.measure("check signatures (admitted it)", || {
            prepare(precinto_steps::committed(&block), |items| {
                items.iter().map(|item| precheck(item, keys)).collect()
            })
        });
        costs.measure("execute and commit", || self.node.applier.apply(job).expect("executed"));
        let prepared = PreparedBlock::new(block, keys);
        let (executor, view) = &mut self.memory;
        let effects = costs.measure("of that: execute (state in memory)", || {
            executor.execute(&prepared, view).expect("executed")
        });
        view.apply(effects.writes);
    }
}

fn main() -> std::io::Result<()> {
    let blocks = env::args().nth(1).and_then(|blocks| blocks.parse().ok()).unwrap_or(200);
    let mut bench = Bench::new();
    bench.block();
    bench.costs = Costs::default();
    for _ in 0..blocks {
        bench.block();
    }
    bench.costs.print(blocks * BLOCK_TRANSACTIONS)
}
