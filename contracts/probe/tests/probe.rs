//! The host interface from the contract's side, natively and in the engine.

use minicbor::bytes::ByteVec;
use precinto_contract::testing::{Failure, MockLedger, signer};
use precinto_contract_testing::{WasmRunner, on_both};
use precinto_protocol::{
    call::{CallContext, Signer},
    cbor,
    hash::{Hash, sha256},
    host::MAX_SCAN_ITEMS,
    identity::Role,
    limits::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_STATE_VALUE_BYTES},
    state::RecordLogEntry,
};
use probe::Probe;

fn bytes(bytes: impl AsRef<[u8]>) -> ByteVec {
    bytes.as_ref().to_vec().into()
}

fn officer() -> [Signer; 1] {
    [signer("uy-dna", &[Role::Officer])]
}

fn set(ledger: &mut MockLedger, key: &[u8], value: &[u8]) -> Result<Vec<u8>, Failure> {
    ledger.call(&officer(), "set", &(bytes(key), bytes(value)))
}

fn get(ledger: &MockLedger, key: &[u8]) -> Option<Vec<u8>> {
    let result = ledger.query("get", &(bytes(key),)).expect("a read");
    cbor::decode::<Option<ByteVec>>(&result).expect("a value").map(Vec::from)
}

fn code(result: Result<Vec<u8>, Failure>) -> String {
    result.expect_err("fails").code
}

#[test]
fn plain_keys_are_set_read_and_removed() {
    on_both::<Probe>("probe", |mut ledger| {
        assert_eq!(get(&ledger, b"key"), None);
        set(&mut ledger, b"key", b"value").expect("a write");
        set(&mut ledger, b"empty", b"").expect("a write");
        assert_eq!(get(&ledger, b"key"), Some(b"value".to_vec()));
        assert_eq!(get(&ledger, b"empty"), Some(Vec::new()));
        ledger.call(&officer(), "remove", &(bytes(b"key"),)).expect("a removal");
        ledger.call(&officer(), "remove", &(bytes(b"key"),)).expect("another removal");
        assert_eq!(get(&ledger, b"key"), None);
    });
}

#[test]
fn a_scan_pages_through_a_prefix_in_order() {
    type Page = Vec<(Vec<ByteVec>, ByteVec)>;
    on_both::<Probe>("probe", |mut ledger| {
        for key in [&b"b"[..], b"a", b"a\0", b"c", b""] {
            set(&mut ledger, key, &[key, b"!"].concat()).expect("a write");
        }
        ledger
            .call(&officer(), "append", &(bytes(b"bb"), bytes(b"no plain key")))
            .expect("a write");
        let scan = |after: Option<&[u8]>, limit: u32| -> Vec<Vec<u8>> {
            let after = after.map(|key| vec![bytes(key)]);
            let page =
                ledger.query("scan", &(Vec::<ByteVec>::new(), after, limit)).expect("a page");
            let page: Page = cbor::decode(&page).expect("a page");
            for (key, value) in &page {
                assert_eq!(**value, [&key[0], &b"!"[..]].concat());
            }
            page.into_iter().map(|(key, _)| key[0].to_vec()).collect()
        };
        let all = [&b""[..], b"a", b"a\0", b"b", b"c"];
        assert_eq!(scan(None, 10), all);
        assert_eq!(scan(None, 2), all[..2]);
        assert_eq!(scan(Some(b"a"), 2), all[2..4]);
        assert_eq!(scan(Some(b"c"), 2), [b""; 0]);
        assert_eq!(scan(None, 0), [b""; 0]);
        let prefix = vec![bytes(b"a")];
        let page = ledger.query("scan", &(prefix, None::<Vec<ByteVec>>, 9)).expect("a page");
        assert_eq!(cbor::decode::<Page>(&page).expect("a page").len(), 1, "a whole component");
    });
}

#[test]
fn a_page_of_a_scan_is_bounded() {
    on_both::<Probe>("probe", |mut ledger| {
        for key in 0..=MAX_SCAN_ITEMS {
            set(&mut ledger, &key.to_be_bytes(), b"").expect("a write");
        }
        let args = (Vec::<ByteVec>::new(), None::<Vec<ByteVec>>, u32::MAX);
        let page = ledger.query("scan", &args).expect("a page");
        let page: Vec<(Vec<ByteVec>, ByteVec)> = cbor::decode(&page).expect("a page");
        assert_eq!(page.len() as u32, MAX_SCAN_ITEMS);
        for key in 0..10_u32 {
            set(&mut ledger, &key.to_be_bytes(), &[1; 30_000]).expect("a write");
        }
        let page = ledger.query("scan", &args).expect("a page");
        let page: Vec<(Vec<ByteVec>, ByteVec)> = cbor::decode(&page).expect("a page");
        assert_eq!(page.len(), 8, "as many values of 30,000 bytes as fit");
    });
}

#[test]
fn a_record_log_grows_and_the_host_says_by_whom_and_when() {
    on_both::<Probe>("probe", |mut ledger| {
        let read = |ledger: &MockLedger, index: u64| {
            let entry = ledger.query("read", &(bytes(b"log"), index)).expect("a read");
            cbor::decode::<Option<RecordLogEntry>>(&entry).expect("an entry")
        };
        assert_eq!(read(&ledger, 0), None);
        let time_ms = ledger.time_ms;
        for (count, payload) in [(1_u64, b"one"), (2, b"two")] {
            let args = (bytes(b"log"), bytes(payload));
            let entries = ledger.call(&officer(), "append", &args).expect("an entry");
            assert_eq!(cbor::decode(&entries), Ok(count));
        }
        let entry = read(&ledger, 1).expect("the second entry");
        assert_eq!((entry.height, entry.index, entry.time_ms), (2, 0, time_ms + 1_000));
        assert_eq!((entry.member.as_str(), entry.payload.as_slice()), ("uy-dna", &b"two"[..]));
        assert_ne!(entry.transaction, Hash::ZERO);
        assert_eq!(read(&ledger, 2), None);
        assert_eq!(read(&ledger, u64::MAX), None);
        let len = ledger.query("len", &(bytes(b"log"),)).expect("a length");
        assert_eq!(cbor::decode(&len), Ok(2_u64));
    });
}

#[test]
fn the_contract_knows_who_calls() {
    on_both::<Probe>("probe", |mut ledger| {
        let signers = [signer("uy-dna", &[Role::Officer, Role::Supervisor]), signer("ar", &[])];
        let context = ledger.call(&signers, "context", &()).expect("a context");
        let context: CallContext = cbor::decode(&context).expect("a context");
        assert_eq!(context.signers, signers);
        assert_eq!((context.height, context.transaction.is_some()), (1, true));
        let context = ledger.query("context", &()).expect("a context");
        let context: CallContext = cbor::decode(&context).expect("a context");
        assert_eq!((context.author(), context.transaction), (None, None));
    });
}

#[test]
fn the_digest_is_sha256() {
    on_both::<Probe>("probe", |ledger| {
        for data in [&b""[..], b"abc", &[7; 10_000]] {
            let digest = ledger.query("sha256", &(bytes(data),)).expect("a digest");
            assert_eq!(cbor::decode(&digest), Ok(sha256(&[data])));
        }
    });
}

#[test]
fn events_are_kept_of_calls_that_succeed() {
    on_both::<Probe>("probe", |mut ledger| {
        ledger.call(&officer(), "emit", &("a.b", bytes(b"payload"), 2)).expect("events");
        assert_eq!(ledger.events(), vec![("a.b".to_owned(), b"payload".to_vec()); 2]);
        let mut emit = |topic: &str, payload: &[u8], times: usize| {
            code(ledger.call(&officer(), "emit", &(topic, bytes(payload), times as u32)))
        };
        assert_eq!(emit("a", &[], MAX_EVENTS + 1), "too-many-events");
        assert_eq!(emit("a", &[0; MAX_EVENT_BYTES + 1], 1), "event-too-large");
        assert_eq!(emit("A", &[], 1), "topic-invalid");
        assert_eq!(emit(&"a".repeat(65), &[], 1), "topic-invalid");
    });
}

#[test]
fn what_the_host_refuses_has_the_same_code_natively_and_in_the_engine() {
    on_both::<Probe>("probe", |mut ledger| {
        let largest = vec![1; MAX_STATE_VALUE_BYTES];
        set(&mut ledger, b"key", &largest).expect("the largest value");
        assert_eq!(get(&ledger, b"key"), Some(largest));
        let too_large = [1; MAX_STATE_VALUE_BYTES + 1];
        assert_eq!(code(set(&mut ledger, b"key", &too_large)), "value-too-large");
        assert_eq!(code(set(&mut ledger, &[1; 123], &too_large)), "value-too-large");
        // With the contract's id and the end of the component, 128 bytes.
        set(&mut ledger, &[1; 122], b"").expect("the longest key");
        assert_eq!(code(set(&mut ledger, &[1; 123], b"")), "key-invalid");
        assert_eq!(code(ledger.query("get", &(bytes([1; 123]),))), "key-invalid");
        let append = (bytes(b"key"), bytes(b""));
        assert_eq!(code(ledger.call(&officer(), "append", &append)), "kind-mismatch");
        assert_eq!(code(ledger.query("len", &(bytes(b"key"),))), "kind-mismatch");
        ledger.call(&officer(), "append", &(bytes(b"log"), bytes(b""))).expect("an entry");
        assert_eq!(code(set(&mut ledger, b"log", b"")), "kind-mismatch");
        assert_eq!(code(ledger.call(&officer(), "remove", &(bytes(b"log"),))), "kind-mismatch");
    });
}

#[test]
fn a_rejected_call_leaves_nothing() {
    on_both::<Probe>("probe", |mut ledger| {
        let rejected = ledger.call(&officer(), "set-then-reject", &(bytes(b"key"),));
        let expected = Failure { code: "on-purpose".into(), message: "3 bytes".into() };
        assert_eq!(rejected, Err(expected));
        assert_eq!(get(&ledger, b"key"), None);
    });
}

#[test]
fn unknown_methods_and_bad_arguments_have_their_codes() {
    on_both::<Probe>("probe", |mut ledger| {
        assert_eq!(code(ledger.call(&officer(), "none", &())), "unknown-method");
        assert_eq!(code(ledger.query("set", &(bytes(b"k"), bytes(b"v")))), "unknown-method");
        assert_eq!(code(ledger.call(&officer(), "set", &1)), "bad-arguments");
    });
}

#[test]
fn memory_is_there_for_more_than_the_arena() {
    on_both::<Probe>("probe", |mut ledger| {
        for bytes in [0_u32, 1, 100_000, 300_000] {
            let sum = ledger.call(&officer(), "allocate", &(bytes,)).expect("enough memory");
            assert_eq!(cbor::decode(&sum), Ok(u64::from(bytes)));
        }
        let data = bytes([7; 50_000]);
        let echo = ledger.query("echo", &(data.clone(),)).expect("an echo");
        assert_eq!(cbor::decode::<ByteVec>(&echo), Ok(data));
    });
}

#[test]
fn what_only_an_engine_can_end_has_its_code() {
    let mut ledger = MockLedger::new(WasmRunner::of("probe"));
    let panicked = ledger.call(&officer(), "panic", &()).expect_err("panics");
    assert_eq!(panicked.code, "panic");
    assert!(panicked.message.contains("on purpose"), "{}", panicked.message);
    assert_eq!(code(ledger.call(&officer(), "spin", &())), "out-of-fuel");
    assert_eq!(code(ledger.call(&officer(), "recurse", &(1_000_000_u32,))), "call-depth-exceeded");
    let depth = ledger.call(&officer(), "recurse", &(500_u32,)).expect("not too deep");
    assert_eq!(cbor::decode(&depth), Ok(500_u32));
    // More than an instance may have: the allocator fails, the contract panics.
    assert_eq!(code(ledger.call(&officer(), "allocate", &(32_000_000_u32,))), "panic");
}
