//! The contract `probe`: every function of the host interface. Left out are the methods that end
//! in a panic or never: natively the process would.

use minicbor::bytes::ByteVec;
use precinto_protocol::cbor;
use probe::Probe;

use super::{Step, compare};
use crate::take::Take;

pub(crate) fn probe(bytes: &[u8]) {
    compare::<Probe>("probe", bytes, |_| {}, |take, _| step(take));
}

fn step(take: &mut Take<'_>) -> Step {
    let (method, args) = match take.below(13) {
        0 => ("set", cbor::encode(&(key(take), value(take)))),
        1 => ("remove", cbor::encode(&(key(take),))),
        2 => ("append", cbor::encode(&(key(take), value(take)))),
        3 => ("emit", cbor::encode(&(topic(take), value(take), take.below(70) as u32))),
        4 => ("set-then-reject", cbor::encode(&(key(take),))),
        5 => ("allocate", cbor::encode(&(u32::from(take.any::<u16>()),))),
        6 => ("get", cbor::encode(&(key(take),))),
        7 => {
            let prefix = take.list(2, key);
            let after = take.option(|take| take.list(2, key));
            ("scan", cbor::encode(&(prefix, after, take.any::<u32>())))
        }
        8 => ("read", cbor::encode(&(key(take), take.below(5) as u64))),
        9 => ("len", cbor::encode(&(key(take),))),
        10 => ("context", cbor::encode(&())),
        11 => ("sha256", cbor::encode(&(value(take),))),
        _ => ("echo", cbor::encode(&(value(take),))),
    };
    Step { method, args, query: take.any() }
}

/// Few keys, some of which are none.
fn key(take: &mut Take<'_>) -> ByteVec {
    let long = [7; 130];
    take.one(&[&b"a"[..], b"b", b"ab", b"", b"\0", b"\0\xff", &long]).to_vec().into()
}

fn value(take: &mut Take<'_>) -> ByteVec {
    match take.below(6) {
        0 => vec![1; 4 * 1024 + take.below(2)],
        1 => vec![2; 32 * 1024 + take.below(2)],
        _ => take.bytes(40),
    }
    .into()
}

fn topic(take: &mut Take<'_>) -> String {
    take.one(&["a.topic", "t", "", "Not A Topic", "\u{e9}"]).into()
}
