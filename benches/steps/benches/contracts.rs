//! Contract calls: what an instance costs in itself, and what the contract `aeo` does.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use precinto_core::StatePort;
use precinto_execution::{Queries, Query, QueryAt};
use precinto_protocol::{
    aeo::{AeoType, CONTRACT, SupplyChainRole, benefit::BenefitQuery, query::FindQuery},
    cbor,
};
use precinto_steps::{MRA, Network, Node, PROBE, step, theme};

/// Certifications on the ledger.
const RECORDS: u64 = 2_000;

/// Arguments of `get`: an array of one byte string of one byte.
const KEY: [u8; 3] = [0x81, 0x41, 0x01];

fn query(contract: &str, method: &str, args: Vec<u8>) -> Query {
    Query { contract: contract.into(), method: method.into(), args }
}

fn contracts(criterion: &mut Criterion) {
    let mut network = Network::new();
    let node = Node::with_records(&mut network, RECORDS);
    let queries = Queries::new(network.origin().channel, network.tools.runtime.clone());
    let state = StatePort(node.ledger.view());
    let at = QueryAt { height: 1, time_ms: network.time_ms() };
    let tag = Network::operator(RECORDS / 2);
    let find = FindQuery { tag, viewer: None, as_of: None };
    let benefit = BenefitQuery {
        mra: MRA.into(),
        member: "br-rfb".into(),
        partner: "uy-dna".into(),
        tag,
        role: SupplyChainRole::Importer,
        aeo_type: AeoType::C,
        as_of: None,
    };
    let asked = [
        ("a call that reads an absent key", "20 us", query(PROBE, "get", KEY.to_vec())),
        ("aeo: find an operator", "60 us", query(CONTRACT, "find", cbor::encode(&find))),
        ("aeo: is a benefit due", "80 us", query(CONTRACT, "benefit", cbor::encode(&benefit))),
    ];
    let mut group = theme(criterion, "contracts");
    for (name, budget, query) in asked {
        queries.query(query.clone(), &state, at).expect(name);
        group.bench_function(step(name, budget), |b| {
            b.iter(|| queries.query(black_box(query.clone()), &state, at));
        });
    }
    group.finish();
}

criterion_group!(benches, contracts);
criterion_main!(benches);
