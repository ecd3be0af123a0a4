//! What the author of a contract uses: the guest side of the host interface.
//!
//! # Mental model
//! A contract is a WASM module with methods. One call is one fresh instance: [`Contract::call`]
//! gets the method's name, its CBOR arguments and a [`Host`], and answers with CBOR bytes or with
//! a [`Rejection`]. A rejected call leaves no writes and no events; its code is part of the
//! outcome every node agrees on, its message is for people only. All that outlives a call is what
//! the host keeps under the contract's own id: plain keys, which can be overwritten and removed,
//! and record logs, which can only grow.
//!
//! [`export_contract!`] turns a type that implements [`Contract`] into the module's exports. The
//! same type compiles natively, where `testing::MockLedger` (feature `testing`) runs it in unit
//! tests; the same tests can be run against the built module through `testing::ContractRunner`.
//!
//! # Invariants
//! * A method reads nothing but its arguments and the host: the same inputs give the same bytes on
//!   every node.
//! * What the host refuses (an oversized value, a write in a query) ends the call: the functions of
//!   [`Host`] have no error to handle.
//!
//! # What this crate must never depend on
//! The standard library, or any crate of ours but `precinto-protocol`: it is compiled into
//! contracts.
#![deny(clippy::float_arithmetic)]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_arch = "wasm32")]
mod arena;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod host;
mod key;
mod rejection;
#[cfg(feature = "testing")]
pub mod testing;

pub use host::{Host, decode_stored};
pub use key::Key;
pub use precinto_protocol::{call::CallContext, state::RecordLogEntry};
pub use rejection::{Rejection, Result};

use alloc::vec::Vec;

/// A contract: methods by name.
pub trait Contract {
    /// Runs a method that may write. Arguments and result are deterministic CBOR.
    ///
    /// # Errors
    /// A [`Rejection`]: the call leaves no writes and no events.
    fn call(host: &mut dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>>;

    /// Runs a method that only reads.
    ///
    /// # Errors
    /// A [`Rejection`].
    fn query(host: &dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>>;
}

/// A contract whose state must be changed when a new version of it takes effect.
pub trait Migrate: Contract {
    /// Runs once, at the height at which the version takes effect, within one call's fuel. A larger
    /// change is made lazily, entry by entry, by the methods.
    ///
    /// # Errors
    /// A [`Rejection`]: the old version stays in force.
    fn migrate(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>>;
}

/// Decodes a method's arguments from deterministic CBOR.
///
/// # Errors
/// [`Rejection::BAD_ARGUMENTS`].
pub fn decode_args<'b, T>(args: &'b [u8]) -> Result<T>
where
    T: minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    precinto_protocol::cbor::decode(args).map_err(|error| {
        Rejection::new(Rejection::BAD_ARGUMENTS, alloc::format!("arguments: {error}"))
    })
}

/// Encodes a method's result as deterministic CBOR.
pub fn encode_result<T: minicbor::Encode<()>>(value: &T) -> Result<Vec<u8>> {
    Ok(precinto_protocol::cbor::encode(value))
}

/// Makes a [`Contract`] the exports of a WASM module: `export_contract!(Aeo)`, or
/// `export_contract!(Aeo, migrate)` for one that implements [`Migrate`].
///
/// Natively it expands to nothing.
#[macro_export]
macro_rules! export_contract {
    ($contract:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod precinto_exports {
            #[allow(unused_imports)]
            use super::*;

            #[global_allocator]
            static ARENA: $crate::guest::Arena = $crate::guest::Arena;

            #[panic_handler]
            fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
                $crate::guest::panic(info)
            }

            #[unsafe(no_mangle)]
            extern "C" fn precinto_interface_1() {}

            #[unsafe(no_mangle)]
            extern "C" fn alloc(len: usize) -> *mut u8 {
                $crate::guest::alloc(len)
            }

            #[unsafe(no_mangle)]
            extern "C" fn call(input: *mut u8, len: usize) -> u64 {
                // SAFETY: the host passes a buffer it got from `alloc`, filled, once.
                unsafe { $crate::guest::call::<$contract>(input, len) }
            }

            #[unsafe(no_mangle)]
            extern "C" fn query(input: *mut u8, len: usize) -> u64 {
                // SAFETY: the host passes a buffer it got from `alloc`, filled, once.
                unsafe { $crate::guest::query::<$contract>(input, len) }
            }
        }
    };
    ($contract:ty, migrate) => {
        $crate::export_contract!($contract);

        #[cfg(target_arch = "wasm32")]
        mod precinto_migration {
            #[allow(unused_imports)]
            use super::*;

            #[unsafe(no_mangle)]
            extern "C" fn migrate(input: *mut u8, len: usize) -> u64 {
                // SAFETY: the host passes a buffer it got from `alloc`, filled, once.
                unsafe { $crate::guest::migrate::<$contract>(input, len) }
            }
        }
    };
}
