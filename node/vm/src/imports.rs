//! The host interface: the closed list of functions a module can import.
//!
//! Each charges fuel for what it was asked before it works, and for the bytes it yields before it
//! hands them on. Bytes are kept for the module to take.

use core::ptr::NonNull;

use precinto_protocol::{
    cbor,
    hash::sha256,
    host::{MAX_SCAN_ITEMS, Refusal, is_code, is_topic},
    keys::PublicKey,
    limits::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_STATE_VALUE_BYTES},
};
use wasmparser::ValType;
use wasmtime::{AsContextMut, Caller, Linker, Memory};

use crate::{
    Entry, Failure, Host, HostError, TrapCode, engine::MemoryLimit, fuel, limits::MAX_MESSAGE_BYTES,
};

/// The module name of every import.
pub(crate) const MODULE_NAME: &str = "precinto";

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

type Signature = (&'static str, &'static [ValType], &'static [ValType]);

/// The interface, version 1: name, parameters, results. Pointers and lengths are i32.
pub(crate) const IMPORTS: [Signature; 13] = [
    ("state_get", &[I32, I32], &[I32]),
    ("state_set", &[I32, I32, I32, I32], &[]),
    ("state_remove", &[I32, I32], &[]),
    ("state_scan", &[I32, I32, I32, I32, I32], &[I32]),
    ("log_append", &[I32, I32, I32, I32], &[I64]),
    ("log_read", &[I32, I32, I64], &[I32]),
    ("log_len", &[I32, I32], &[I64]),
    ("emit", &[I32, I32, I32, I32], &[]),
    ("context", &[], &[I32]),
    ("sha256", &[I32, I32, I32], &[]),
    ("verify_signature", &[I32, I32, I32, I32], &[I32]),
    ("abort", &[I32, I32, I32, I32], &[]),
    ("take", &[I32], &[]),
];

/// What a host function that yields nothing returns instead of a length.
const ABSENT: i32 = -1;

/// Why a call ended inside the host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Failed(#[from] Failure),
    #[error("{0}")]
    Fatal(String),
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Stop {
        match error {
            HostError::Refused(refusal) => Stop::Failed(refusal.into()),
            HostError::Fatal(reason) => Stop::Fatal(reason),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Failed(refusal.into())
    }
}

/// What the host holds during one call.
pub(crate) struct CallState {
    host: NonNull<dyn Host>,
    entry: Entry,
    /// The instance's memory, once there is an instance.
    pub(crate) memory: Option<Memory>,
    pub(crate) memory_limit: MemoryLimit,
    /// Bytes the last host call yielded, for the module to take.
    kept: Option<Vec<u8>>,
    events: usize,
}

impl CallState {
    /// # Safety
    /// The state must not outlive `host`, which nothing else may use while it exists.
    pub(crate) unsafe fn new(entry: Entry, host: &mut (dyn Host + '_)) -> CallState {
        // SAFETY: only the lifetime changes, which the engine's store cannot carry; the caller
        // upholds it.
        let host =
            unsafe { core::mem::transmute::<&mut dyn Host, &mut (dyn Host + 'static)>(host) };
        CallState {
            host: NonNull::from(host),
            entry,
            memory: None,
            memory_limit: MemoryLimit,
            kept: None,
            events: 0,
        }
    }

    fn host(&mut self) -> &mut dyn Host {
        // SAFETY: the contract of `new`; the exclusive borrow of `self` makes this the only one.
        unsafe { self.host.as_mut() }
    }

    /// Refuses a write or an event in a query.
    fn check_write(&self) -> Result<(), Refusal> {
        match self.entry {
            Entry::Call | Entry::Migrate => Ok(()),
            Entry::Query => Err(Refusal::ReadOnly),
        }
    }
}

type Guest<'c> = Caller<'c, CallState>;

/// Takes fuel for work that is about to be done.
pub(crate) fn charge(
    mut store: impl AsContextMut<Data = CallState>,
    amount: u64,
) -> wasmtime::Result<()> {
    let mut store = store.as_context_mut();
    match store.get_fuel()?.checked_sub(amount) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(Stop::Failed(Failure::OutOfFuel).into())
        }
    }
}

/// Fuel for `bytes` bytes, given as the lengths the module passed.
fn per_byte(price: u64, lengths: &[u32]) -> u64 {
    lengths.iter().map(|len| price * u64::from(*len)).sum()
}

/// The module's memory beside the host's state.
fn guest<'c>(caller: &'c mut Guest<'_>) -> (&'c mut [u8], &'c mut CallState) {
    let memory = caller.data().memory.expect("set before any function of the module runs");
    memory.data_and_store_mut(caller)
}

/// The bytes a pointer and a length name.
fn region(memory: &[u8], start: u32, len: u32) -> Result<&[u8], Stop> {
    let start = start as usize;
    memory
        .get(start..start + len as usize)
        .ok_or(Stop::Failed(Failure::Trapped(TrapCode::MemoryOutOfBounds)))
}

/// Writes into the module's memory.
fn fill(memory: &mut [u8], start: u32, bytes: &[u8]) -> Result<(), Stop> {
    let start = start as usize;
    memory
        .get_mut(start..start + bytes.len())
        .ok_or(Stop::Failed(Failure::Trapped(TrapCode::MemoryOutOfBounds)))?
        .copy_from_slice(bytes);
    Ok(())
}

/// Keeps what a host call yields and returns its length.
fn keep(caller: &mut Guest<'_>, bytes: Option<Vec<u8>>) -> wasmtime::Result<i32> {
    let len = bytes.as_ref().map_or(0, Vec::len);
    charge(&mut *caller, fuel::COPY_PER_BYTE * len as u64)?;
    let len = match bytes {
        Some(_) => i32::try_from(len).expect("the host yields no more than its limits"),
        None => ABSENT,
    };
    caller.data_mut().kept = bytes;
    Ok(len)
}

/// Defines every function of [`IMPORTS`].
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE_NAME, "state_get", state_get)?;
    linker.func_wrap(MODULE_NAME, "state_set", state_set)?;
    linker.func_wrap(MODULE_NAME, "state_remove", state_remove)?;
    linker.func_wrap(MODULE_NAME, "state_scan", state_scan)?;
    linker.func_wrap(MODULE_NAME, "log_append", log_append)?;
    linker.func_wrap(MODULE_NAME, "log_read", log_read)?;
    linker.func_wrap(MODULE_NAME, "log_len", log_len)?;
    linker.func_wrap(MODULE_NAME, "emit", emit)?;
    linker.func_wrap(MODULE_NAME, "context", context)?;
    linker.func_wrap(MODULE_NAME, "sha256", hash)?;
    linker.func_wrap(MODULE_NAME, "verify_signature", verify_signature)?;
    linker.func_wrap(MODULE_NAME, "abort", abort)?;
    linker.func_wrap(MODULE_NAME, "take", take)?;
    Ok(())
}

fn state_get(mut caller: Guest<'_>, key: u32, key_len: u32) -> wasmtime::Result<i32> {
    charge(&mut caller, fuel::READ + per_byte(fuel::COPY_PER_BYTE, &[key_len]))?;
    let (memory, state) = guest(&mut caller);
    let value = state.host().state_get(region(memory, key, key_len)?).map_err(Stop::from)?;
    keep(&mut caller, value)
}

fn state_set(
    mut caller: Guest<'_>,
    key: u32,
    key_len: u32,
    value: u32,
    value_len: u32,
) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::WRITE + per_byte(fuel::WRITE_PER_BYTE, &[key_len, value_len]))?;
    let (memory, state) = guest(&mut caller);
    let (key, value) = written(memory, state, [key, key_len], [value, value_len])?;
    Ok(state.host().state_set(key, value).map_err(Stop::from)?)
}

fn state_remove(mut caller: Guest<'_>, key: u32, key_len: u32) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::WRITE + per_byte(fuel::WRITE_PER_BYTE, &[key_len]))?;
    let (memory, state) = guest(&mut caller);
    let (key, _) = written(memory, state, [key, key_len], [0, 0])?;
    Ok(state.host().state_remove(key).map_err(Stop::from)?)
}

fn log_append(
    mut caller: Guest<'_>,
    key: u32,
    key_len: u32,
    payload: u32,
    payload_len: u32,
) -> wasmtime::Result<u64> {
    charge(&mut caller, fuel::WRITE + per_byte(fuel::WRITE_PER_BYTE, &[key_len, payload_len]))?;
    let (memory, state) = guest(&mut caller);
    let (key, payload) = written(memory, state, [key, key_len], [payload, payload_len])?;
    Ok(state.host().log_append(key, payload).map_err(Stop::from)?)
}

/// The key and value of a write, if it is allowed: each is given as pointer and length.
fn written<'m>(
    memory: &'m [u8],
    state: &CallState,
    key: [u32; 2],
    value: [u32; 2],
) -> Result<(&'m [u8], &'m [u8]), Stop> {
    state.check_write()?;
    if value[1] as usize > MAX_STATE_VALUE_BYTES {
        return Err(Refusal::ValueTooLarge.into());
    }
    Ok((region(memory, key[0], key[1])?, region(memory, value[0], value[1])?))
}

fn state_scan(
    mut caller: Guest<'_>,
    prefix: u32,
    prefix_len: u32,
    after: u32,
    after_len: u32,
    limit: u32,
) -> wasmtime::Result<i32> {
    let limit = limit.min(MAX_SCAN_ITEMS);
    let bytes = per_byte(fuel::COPY_PER_BYTE, &[prefix_len, after_len]);
    charge(&mut caller, fuel::READ + fuel::SCAN_ITEM * u64::from(limit) + bytes)?;
    let (memory, state) = guest(&mut caller);
    let prefix = region(memory, prefix, prefix_len)?;
    let after = region(memory, after, after_len)?;
    let page = state.host().state_scan(prefix, after, limit).map_err(Stop::from)?;
    keep(&mut caller, Some(cbor::encode(&page)))
}

fn log_read(mut caller: Guest<'_>, key: u32, key_len: u32, index: u64) -> wasmtime::Result<i32> {
    charge(&mut caller, fuel::READ + per_byte(fuel::COPY_PER_BYTE, &[key_len]))?;
    let (memory, state) = guest(&mut caller);
    let entry = state.host().log_read(region(memory, key, key_len)?, index).map_err(Stop::from)?;
    keep(&mut caller, entry)
}

fn log_len(mut caller: Guest<'_>, key: u32, key_len: u32) -> wasmtime::Result<u64> {
    charge(&mut caller, fuel::READ + per_byte(fuel::COPY_PER_BYTE, &[key_len]))?;
    let (memory, state) = guest(&mut caller);
    Ok(state.host().log_len(region(memory, key, key_len)?).map_err(Stop::from)?)
}

fn emit(
    mut caller: Guest<'_>,
    topic: u32,
    topic_len: u32,
    payload: u32,
    payload_len: u32,
) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::EVENT + per_byte(fuel::WRITE_PER_BYTE, &[topic_len, payload_len]))?;
    let (memory, state) = guest(&mut caller);
    let topic = region(memory, topic, topic_len)?;
    let payload = region(memory, payload, payload_len)?;
    state.check_write().map_err(Stop::from)?;
    let topic = core::str::from_utf8(topic).ok().filter(|topic| is_topic(topic.as_bytes()));
    let topic = topic.ok_or(Stop::from(Refusal::TopicInvalid))?;
    if payload.len() > MAX_EVENT_BYTES {
        return Err(Stop::from(Refusal::EventTooLarge).into());
    }
    if state.events >= MAX_EVENTS {
        return Err(Stop::from(Refusal::TooManyEvents).into());
    }
    state.events += 1;
    Ok(state.host().emit(topic, payload).map_err(Stop::from)?)
}

fn context(mut caller: Guest<'_>) -> wasmtime::Result<i32> {
    charge(&mut caller, fuel::HOST_CALL)?;
    let encoded = cbor::encode(caller.data_mut().host().context());
    keep(&mut caller, Some(encoded))
}

fn hash(mut caller: Guest<'_>, data: u32, data_len: u32, digest: u32) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::HOST_CALL + per_byte(fuel::HASH_PER_BYTE, &[data_len]))?;
    let (memory, _) = guest(&mut caller);
    let hash = sha256(&[region(memory, data, data_len)?]);
    Ok(fill(memory, digest, hash.as_bytes())?)
}

/// 1 if the 64 bytes at `signature` are a valid one of the message by the key of 32 bytes at `key`.
fn verify_signature(
    mut caller: Guest<'_>,
    key: u32,
    message: u32,
    message_len: u32,
    signature: u32,
) -> wasmtime::Result<i32> {
    charge(&mut caller, fuel::VERIFY + per_byte(fuel::HASH_PER_BYTE, &[message_len]))?;
    let (memory, _) = guest(&mut caller);
    let key = array(region(memory, key, 32)?);
    let signature = array(region(memory, signature, 64)?);
    let message = region(memory, message, message_len)?;
    let valid = PublicKey::from_bytes(&key).is_ok_and(|key| key.verify(message, &signature));
    Ok(i32::from(valid))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a region has the length it was asked for")
}

/// Ends the call as a rejection with the contract's own code.
fn abort(
    mut caller: Guest<'_>,
    code: u32,
    code_len: u32,
    message: u32,
    message_len: u32,
) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::HOST_CALL)?;
    let (memory, _) = guest(&mut caller);
    let message_len = message_len.min(MAX_MESSAGE_BYTES as u32);
    let message = String::from_utf8_lossy(region(memory, message, message_len)?);
    let code = region(memory, code, code_len)?;
    Err(Stop::Failed(rejected(code, message.into_owned())).into())
}

/// A rejection by the contract, if its code is one.
pub(crate) fn rejected(code: &[u8], mut message: String) -> Failure {
    if !is_code(code) {
        return Failure::BadOutput;
    }
    message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
    Failure::Rejected { code: String::from_utf8_lossy(code).into_owned(), message }
}

fn take(mut caller: Guest<'_>, into: u32) -> wasmtime::Result<()> {
    charge(&mut caller, fuel::HOST_CALL)?;
    let (memory, state) = guest(&mut caller);
    let kept = state.kept.take().ok_or(Stop::Failed(Failure::NothingToTake))?;
    Ok(fill(memory, into, &kept)?)
}
