//! The guest side of the host interface: imports, memory, entry points. WASM only; reached through
//! [`export_contract!`](crate::export_contract).
//!
//! Pointers and lengths are offsets into the module's memory. A host function that yields bytes
//! keeps them, returns their length (-1: absent), and copies them where `take` says: the host never
//! calls back into the module.

use alloc::{string::ToString, vec::Vec};
use core::{cell::OnceCell, mem::ManuallyDrop, panic::PanicInfo};

use precinto_protocol::{
    call::{CallContext, ContractInput, ContractOutput},
    cbor,
    hash::Hash,
    host::StateItem,
    state::RecordLogEntry,
};

pub use crate::arena::Arena;
use crate::{Contract, Host, Key, Migrate, Result};

#[link(wasm_import_module = "precinto")]
unsafe extern "C" {
    fn state_get(key: *const u8, key_len: usize) -> i32;
    fn state_set(key: *const u8, key_len: usize, value: *const u8, value_len: usize);
    fn state_remove(key: *const u8, key_len: usize);
    fn state_scan(
        prefix: *const u8,
        prefix_len: usize,
        after: *const u8,
        after_len: usize,
        limit: u32,
    ) -> i32;
    fn log_append(key: *const u8, key_len: usize, payload: *const u8, payload_len: usize) -> u64;
    fn log_read(key: *const u8, key_len: usize, index: u64) -> i32;
    fn log_len(key: *const u8, key_len: usize) -> u64;
    fn emit(topic: *const u8, topic_len: usize, payload: *const u8, payload_len: usize);
    fn context() -> i32;
    fn sha256(data: *const u8, data_len: usize, digest: *mut u8);
    fn verify_signature(
        key: *const u8,
        message: *const u8,
        message_len: usize,
        signature: *const u8,
    ) -> i32;
    fn abort(code: *const u8, code_len: usize, message: *const u8, message_len: usize) -> !;
    fn take(into: *mut u8);
}

/// The host, as the module's imports give it.
#[derive(Default)]
struct ImportedHost {
    /// The same during the whole call, so it is fetched and decoded once.
    context: OnceCell<CallContext>,
}

impl Host for ImportedHost {
    fn context(&self) -> CallContext {
        // SAFETY: no pointers.
        let fetch = || decoded(taken(unsafe { context() }));
        self.context.get_or_init(fetch).clone()
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slice.
        taken(unsafe { state_get(key.as_ptr(), key.len()) })
    }

    fn set(&mut self, key: &Key, value: &[u8]) {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slices.
        unsafe { state_set(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
    }

    fn remove(&mut self, key: &Key) {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slice.
        unsafe { state_remove(key.as_ptr(), key.len()) }
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, limit: u32) -> Vec<(Key, Vec<u8>)> {
        let prefix = prefix.as_bytes();
        let after = after.map_or(&[][..], Key::as_bytes);
        // SAFETY: the host reads exactly the slices.
        let len = unsafe {
            state_scan(prefix.as_ptr(), prefix.len(), after.as_ptr(), after.len(), limit)
        };
        let page: Vec<StateItem> = decoded(taken(len));
        page.into_iter().map(|item| (Key::from_encoded(item.key), item.value)).collect()
    }

    fn log_append(&mut self, key: &Key, payload: &[u8]) -> u64 {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slices.
        unsafe { log_append(key.as_ptr(), key.len(), payload.as_ptr(), payload.len()) }
    }

    fn log_read(&self, key: &Key, index: u64) -> Option<RecordLogEntry> {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slice.
        let entry = taken(unsafe { log_read(key.as_ptr(), key.len(), index) })?;
        Some(decoded(Some(entry)))
    }

    fn log_len(&self, key: &Key) -> u64 {
        let key = key.as_bytes();
        // SAFETY: the host reads exactly the slice.
        unsafe { log_len(key.as_ptr(), key.len()) }
    }

    fn emit(&mut self, topic: &str, payload: &[u8]) {
        // SAFETY: the host reads exactly the slices.
        unsafe { emit(topic.as_ptr(), topic.len(), payload.as_ptr(), payload.len()) }
    }

    fn sha256(&self, data: &[u8]) -> Hash {
        let mut digest = [0; 32];
        // SAFETY: the host reads exactly the slice and writes 32 bytes.
        unsafe { sha256(data.as_ptr(), data.len(), digest.as_mut_ptr()) };
        Hash(digest)
    }

    fn verify_signature(&self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        let (key, signature) = (key.as_ptr(), signature.as_ptr());
        // SAFETY: the host reads exactly the arrays and the slice.
        unsafe { verify_signature(key, message.as_ptr(), message.len(), signature) == 1 }
    }
}

/// The bytes the host keeps, given the length it returned; `None` if that was -1.
fn taken(len: i32) -> Option<Vec<u8>> {
    let len = usize::try_from(len).ok()?;
    let mut bytes = Vec::with_capacity(len);
    // SAFETY: the host writes exactly the `len` bytes it announced, which the vector has room for.
    unsafe {
        take(bytes.as_mut_ptr());
        bytes.set_len(len);
    }
    Some(bytes)
}

/// Decodes what the host encoded. It is the host's own encoding, which is not checked again for
/// being deterministic: fuel is the caller's.
fn decoded<T: for<'b> minicbor::Decode<'b, ()>>(bytes: Option<Vec<u8>>) -> T {
    let bytes = bytes.expect("the host always has this value");
    minicbor::decode(&bytes).expect("the host's encoding is of the interface's version")
}

/// The export `alloc`: a buffer of `len` bytes for the host to fill.
pub fn alloc(len: usize) -> *mut u8 {
    ManuallyDrop::new(Vec::with_capacity(len)).as_mut_ptr()
}

/// The export `call`.
///
/// # Safety
/// `input` and `len` are a buffer from [`alloc`], filled by the host, used once.
pub unsafe fn call<C: Contract>(input: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        run(input, len, |input| C::call(&mut ImportedHost::default(), &input.method, &input.args))
    }
}

/// The export `query`.
///
/// # Safety
/// As [`call`].
pub unsafe fn query<C: Contract>(input: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        run(input, len, |input| C::query(&ImportedHost::default(), &input.method, &input.args))
    }
}

/// The export `migrate`.
///
/// # Safety
/// As [`call`].
pub unsafe fn migrate<C: Migrate>(input: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { run(input, len, |input| C::migrate(&mut ImportedHost::default(), &input.args)) }
}

unsafe fn run(
    input: *mut u8,
    len: usize,
    method: impl FnOnce(&ContractInput) -> Result<Vec<u8>>,
) -> u64 {
    // SAFETY: the host filled the buffer, which `alloc` made with exactly this length.
    let input = unsafe { core::slice::from_raw_parts(input, len) };
    let input: ContractInput =
        minicbor::decode(input).expect("the host encodes the input by the interface's version");
    let output = match method(&input) {
        Ok(result) => ContractOutput::Ok(result),
        Err(rejection) => {
            ContractOutput::Rejected { code: rejection.code.into(), message: rejection.message }
        }
    };
    let output = cbor::encode(&output).leak();
    (output.as_ptr() as u64) << 32 | output.len() as u64
}

/// Code of a call that ended in a panic of the contract.
const PANIC: &str = "panic";

/// The panic handler: ends the call with the code `panic`.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    let message = info.to_string();
    // SAFETY: the host reads exactly the slices and does not return.
    unsafe { abort(PANIC.as_ptr(), PANIC.len(), message.as_ptr(), message.len()) }
}
