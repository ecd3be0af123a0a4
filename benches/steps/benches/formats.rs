//! Encodings and hashes.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use precinto_protocol::{block::Block, transaction::Transaction};
use precinto_steps::{BLOCK_TRANSACTIONS, Network, step, theme};

fn formats(criterion: &mut Criterion) {
    let mut network = Network::new();
    let item = network.certify();
    let transaction = Transaction::decode(&item).expect("canonical");
    let items: Vec<_> = (0..BLOCK_TRANSACTIONS).map(|_| network.certify()).collect();
    let block = network.block_of(items.clone());
    let bytes = block.encode();
    let mut group = theme(criterion, "formats");
    group.bench_function(step("decode a transaction, canonical", "4 us"), |b| {
        b.iter(|| Transaction::decode(black_box(&item)));
    });
    group.bench_function(step("id of a transaction", "0.7 us"), |b| {
        b.iter(|| black_box(&transaction).id());
    });
    group.bench_function(step("make a block of 100", "100 us"), |b| {
        b.iter(|| network.block_of(black_box(items.clone())).encode());
    });
    group.bench_function(step("decode and check a block of 100", "200 us"), |b| {
        b.iter(|| {
            Block::decode(black_box(&bytes)).map(|block| block.verify(&network.key().public()))
        });
    });
    group.bench_function(step("find an item of an encoded block", "5 us"), |b| {
        b.iter(|| Block::item_of(black_box(&bytes), BLOCK_TRANSACTIONS as u32 - 1));
    });
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
