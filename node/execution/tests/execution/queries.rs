//! Queries read any state, write nothing, and can be asked from several threads.

use std::thread;

use precinto_execution::{Queries, Query, QueryAt, QueryError};
use precinto_protocol::{
    call::CallContext,
    cbor,
    registry::{RegistryKey, parameter},
    state::RecordLogEntry,
};

use crate::chain::*;

fn ask(chain: &Chain, method: &str, name: &str, value: &[u8]) -> Result<Vec<u8>, QueryError> {
    let query = Query {
        contract: "probe".into(),
        method: method.into(),
        args: args(at(name).suffix(), value),
    };
    let tip = chain.ledger.tip();
    let at = QueryAt { height: tip.height, time_ms: tip.time_ms };
    Queries::new(chain.channel, runtime()).query(query, &chain.view, at)
}

fn failure(result: Result<Vec<u8>, QueryError>) -> (&'static str, String) {
    match result {
        Err(QueryError::Rejected { code, .. }) => ("rejected", code),
        Err(QueryError::Failed { code, .. }) => ("failed", code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_reads_values_and_record_logs() {
    let mut chain = Chain::new();
    let drafts = [
        chain.draft("w", "k", b"value"),
        chain.draft("a", "log", b"entry"),
        chain.draft("a", "log", b"entry"),
    ];
    chain.block(&drafts);
    assert_eq!(ask(&chain, "g", "k", &[]), Ok(b"value".to_vec()));
    assert_eq!(ask(&chain, "n", "log", &[]), Ok(vec![2]));
    assert_eq!(ask(&chain, "n", "nothing", &[]), Ok(vec![0]));
    let entry = ask(&chain, "k", "log", &[]).expect("an entry");
    let entry: RecordLogEntry = cbor::decode(&entry).expect("an entry");
    assert_eq!(entry.payload, b"entry");
    let context = ask(&chain, "c", "", &[]).expect("a context");
    let context: CallContext = cbor::decode(&context).expect("a context");
    assert_eq!((context.height, context.time_ms), (1, chain.time_ms()));
    assert_eq!((context.transaction, context.author(), context.contract), (None, None, PROBE));
}

#[test]
fn a_query_that_cannot_be_answered_says_why() {
    let mut chain = Chain::new();
    let draft = chain.draft("a", "log", b"entry");
    chain.block(&[draft]);
    assert_eq!(failure(ask(&chain, "g", "absent", &[])), ("rejected", "absent".into()));
    assert_eq!(failure(ask(&chain, "r", "k", &[])), ("rejected", "refused".into()));
    assert_eq!(failure(ask(&chain, "p", "k", b"v")), ("failed", "read-only".into()));
    assert_eq!(failure(ask(&chain, "t", "k", &[])), ("failed", "contract-trapped".into()));
    assert_eq!(failure(ask(&chain, "g", "log", &[])), ("failed", "kind-mismatch".into()));
    let query = Query { contract: "nothing".into(), method: "g".into(), args: vec![] };
    let at = QueryAt { height: 1, time_ms: chain.time_ms() };
    let unknown = Queries::new(chain.channel, runtime()).query(query, &chain.view, at);
    assert_eq!(unknown, Err(QueryError::UnknownContract("nothing".into())));
}

#[test]
fn a_query_has_the_fuel_of_a_call() {
    let mut chain = Chain::new();
    let fuel = RegistryKey::parameter(parameter::CALL_FUEL).expect("short");
    let draft = chain.govern(&fuel, &encoded(&10_u64));
    chain.block(&[draft]);
    assert_eq!(failure(ask(&chain, "g", "k", &[])), ("failed", "out-of-fuel".into()));
}

/// The apply thread owns a ledger; prepared blocks come to it from others.
#[test]
fn what_threads_exchange_can_be_sent() {
    fn is_send<T: Send>() {}
    is_send::<precinto_execution::Ledger>();
    is_send::<precinto_execution::PreparedBlock>();
    is_send::<precinto_execution::BlockEffects>();
}

#[test]
fn queries_run_on_several_threads() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"value");
    chain.block(&[draft]);
    let queries = Queries::new(chain.channel, runtime());
    thread::scope(|scope| {
        for _ in 0..4 {
            let (queries, view) = (queries.clone(), &chain.view);
            scope.spawn(move || {
                for _ in 0..50 {
                    let query = Query {
                        contract: "probe".into(),
                        method: "g".into(),
                        args: args(at("k").suffix(), &[]),
                    };
                    let at = QueryAt { height: 1, time_ms: 0 };
                    assert_eq!(queries.query(query, view, at), Ok(b"value".to_vec()));
                }
            });
        }
    });
}
