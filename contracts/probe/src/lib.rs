//! The contract `probe`, for tests: one method for every function of the host interface, and for
//! every way in which a call can fail.
//!
//! Arguments and results of each method stand beside its name in [`Contract::call`] and
//! [`Contract::query`]. It is never part of a network's genesis.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::{format, string::String, vec, vec::Vec};
use core::hint::black_box;

use minicbor::bytes::ByteVec;
use precinto_contract::{
    Contract, Host, Key, Migrate, Rejection, Result, decode_args, encode_result,
};

/// The contract.
pub struct Probe;

impl Contract for Probe {
    fn call(host: &mut dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            // (key, value) -> ()
            "set" => {
                let (key, value): (ByteVec, ByteVec) = decode_args(args)?;
                host.set(&Key::new(&*key), &value);
                encode_result(&())
            }
            // (key) -> ()
            "remove" => {
                let (key,): (ByteVec,) = decode_args(args)?;
                host.remove(&Key::new(&*key));
                encode_result(&())
            }
            // (key, payload) -> entries
            "append" => {
                let (key, payload): (ByteVec, ByteVec) = decode_args(args)?;
                encode_result(&host.log_append(&Key::new(&*key), &payload))
            }
            // (topic, payload, times) -> ()
            "emit" => {
                let (topic, payload, times): (String, ByteVec, u32) = decode_args(args)?;
                for _ in 0..times {
                    host.emit(&topic, &payload);
                }
                encode_result(&())
            }
            // (key) -> (): writes, then rejects
            "set-then-reject" => {
                let (key,): (ByteVec,) = decode_args(args)?;
                host.set(&Key::new(&*key), b"never seen");
                Err(Rejection::new("on-purpose", format!("{} bytes", key.len())))
            }
            "panic" => panic!("on purpose"),
            // () -> (): never returns
            "spin" => loop {
                black_box(args);
            },
            // (depth) -> depth
            "recurse" => {
                let (depth,): (u32,) = decode_args(args)?;
                encode_result(&recurse(depth))
            }
            // (bytes) -> sum of that many bytes of memory
            "allocate" => {
                let (bytes,): (u32,) = decode_args(args)?;
                let memory = black_box(vec![1_u8; bytes as usize]);
                encode_result(&memory.iter().map(|byte| u64::from(*byte)).sum::<u64>())
            }
            other => Probe::query(host, other, args),
        }
    }

    fn query(host: &dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            // (key) -> value or nil
            "get" => {
                let (key,): (ByteVec,) = decode_args(args)?;
                encode_result(&host.get(&Key::new(&*key)).map(ByteVec::from))
            }
            // (prefix components, last key's components or nil, limit) -> [[components], value]
            "scan" => {
                let (prefix, after, limit): (Vec<ByteVec>, Option<Vec<ByteVec>>, u32) =
                    decode_args(args)?;
                let after = after.as_deref().map(key);
                encode_result(
                    &host
                        .scan(&key(&prefix), after.as_ref(), limit)
                        .into_iter()
                        .map(|(key, value)| (components(&key), ByteVec::from(value)))
                        .collect::<Vec<_>>(),
                )
            }
            // (key, index) -> entry or nil
            "read" => {
                let (key, index): (ByteVec, u64) = decode_args(args)?;
                encode_result(&host.log_read(&Key::new(&*key), index))
            }
            // (key) -> entries
            "len" => {
                let (key,): (ByteVec,) = decode_args(args)?;
                encode_result(&host.log_len(&Key::new(&*key)))
            }
            // () -> context
            "context" => encode_result(&host.context()),
            // (data) -> digest
            "sha256" => {
                let (data,): (ByteVec,) = decode_args(args)?;
                encode_result(&host.sha256(&data))
            }
            // (data) -> data
            "echo" => {
                let (data,): (ByteVec,) = decode_args(args)?;
                encode_result(&data)
            }
            other => Err(Rejection::unknown_method(other)),
        }
    }
}

impl Migrate for Probe {
    fn migrate(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
        host.set(&Key::new("migrated"), args);
        encode_result(&())
    }
}

precinto_contract::export_contract!(Probe, migrate);

fn key(components: &[ByteVec]) -> Key {
    components.iter().fold(Key::ALL, |key, component| key.with(&**component))
}

fn components(key: &Key) -> Vec<ByteVec> {
    key.components().map(ByteVec::from).collect()
}

/// Calls itself `depth` times in a way that is not made into a loop.
fn recurse(depth: u32) -> u32 {
    match black_box(depth) {
        0 => 0,
        depth => 1 + black_box(recurse(depth - 1)),
    }
}
