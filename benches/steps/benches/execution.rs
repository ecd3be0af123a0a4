//! Execution without storage: admission and blocks of certifications, state in memory.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use precinto_core::StatePort;
use precinto_execution::{Admission, KeyCache, Ledger, PreparedBlock};
use precinto_steps::{BLOCK_TRANSACTIONS, MemoryView, Network, Node, step, theme};

fn admission(criterion: &mut Criterion) {
    let mut network = Network::new();
    let node = Node::new(&network);
    let state = StatePort(node.ledger.view());
    let (channel, time_ms) = (network.origin().channel, network.time_ms());
    let mut group = theme(criterion, "execution");
    group.throughput(Throughput::Elements(BLOCK_TRANSACTIONS as u64));
    group.bench_function(step("admit 100 transactions", "7000 us"), |b| {
        b.iter_batched(
            || (0..BLOCK_TRANSACTIONS).map(|_| network.certify()).collect(),
            |items: Vec<Vec<u8>>| {
                let keys = KeyCache::new();
                let mut admission =
                    Admission::new(&state, &keys, channel, time_ms).expect("a state");
                items.iter().map(|item| admission.admit(item).is_ok()).collect::<Vec<_>>()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn execution(criterion: &mut Criterion) {
    let mut network = Network::new();
    let tools = network.tools.clone();
    let ledger = Ledger::from_genesis(&network.genesis, tools.runtime, tools.keys.clone());
    let (mut ledger, genesis) = ledger.expect("a sound genesis");
    let mut view = MemoryView::default();
    view.apply(genesis.writes);
    let mut group = theme(criterion, "execution");
    group.throughput(Throughput::Elements(BLOCK_TRANSACTIONS as u64));
    group.bench_function(step("execute a block of 100 certifications", "5000 us"), |b| {
        b.iter_batched(
            || PreparedBlock::new(network.block(BLOCK_TRANSACTIONS), &tools.keys),
            |block| {
                let effects = ledger.execute(&block, &view).expect("no fatal error");
                view.apply(effects.writes);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, admission, execution);
criterion_main!(benches);
