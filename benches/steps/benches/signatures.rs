//! Signatures: the largest cost of a transaction.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use precinto_execution::{KeyCache, precheck};
use precinto_protocol::keys::{PublicKey, SigningKey};
use precinto_steps::{Network, step, theme};

/// As long as what an author signs.
const MESSAGE: [u8; 360] = [7; 360];

fn signatures(criterion: &mut Criterion) {
    let key = SigningKey::from_seed(&[1; 32]);
    let (public, bytes) = (key.public(), key.public().to_bytes());
    let signature = key.sign(&MESSAGE);
    let (keys, id) = (KeyCache::new(), key.key_id());
    keys.resolve(&id, &bytes);
    let mut group = theme(criterion, "signatures");
    group.bench_function(step("verify, strict", "60 us"), |b| {
        b.iter(|| public.verify(black_box(&MESSAGE), &signature));
    });
    group.bench_function(step("sign", "26 us"), |b| b.iter(|| key.sign(black_box(&MESSAGE))));
    group.bench_function(step("parse a key", "5 us"), |b| {
        b.iter(|| PublicKey::from_bytes(black_box(&bytes)));
    });
    group.bench_function(step("find a parsed key", "0.2 us"), |b| {
        b.iter(|| keys.get(black_box(&id)));
    });
    let item = Network::new().certify();
    precheck(&item, &keys);
    group.bench_function(step("know a transaction again", "8 us"), |b| {
        b.iter(|| precheck(black_box(&item), &keys));
    });
    group.finish();
}

criterion_group!(benches, signatures);
criterion_main!(benches);
