//! Queries: the registry as it stands.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};
use precinto_contract::{Host, Rejection, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    genesis::Parameter,
    governance::{IdentitiesQuery, IdentityPage},
    identity::KeyId,
    registry::{ContractEntry, Identity, Member, Node, RegistryKey},
    state::StateKey,
};

use crate::{identities, scan};

/// Identities of one page: keeps a query far below its fuel.
pub const MAX_PAGE: u32 = 100;

/// `members`: all, by id.
pub(crate) fn members(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    all::<Member>(host, args, &RegistryKey::members())
}

/// `nodes`: all, by id.
pub(crate) fn nodes(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    all::<Node>(host, args, &RegistryKey::nodes())
}

/// `contracts`: the active version of each, by name.
pub(crate) fn contracts(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    all::<ContractEntry>(host, args, &RegistryKey::contracts())
}

/// `parameters`: all, by name.
pub(crate) fn parameters(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let () = decode_args(args)?;
    let parameters = scan::entries(host, &RegistryKey::parameters()).map(|(key, value)| {
        let name = key.components().last().unwrap_or_default();
        let name = String::from_utf8(name).map_err(|_| {
            Rejection::new(Rejection::CORRUPT_STATE, "a parameter's name is not text")
        })?;
        Ok(Parameter { name, value: decode_stored(&value)? })
    });
    encode_result(&parameters.collect::<Result<Vec<_>>>()?)
}

/// `identities`: a page of one member's identities, by key id; empty for an unknown member.
pub(crate) fn identities(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let IdentitiesQuery { member, after, limit } = decode_args(args)?;
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Rejection::new(Rejection::BAD_ARGUMENTS, "limit: 1 to 100"));
    }
    let mut index = identities::index(host, &member, after.as_ref())?;
    let items = index
        .by_ref()
        .take(limit as usize)
        .filter_map(|entry| entry.and_then(|(id, _)| identities::read(host, &id)).transpose())
        .collect::<Result<Vec<Identity>>>()?;
    let last = items.last().map(|identity| KeyId::of(&identity.public_key));
    let next = index.next().and(last);
    encode_result(&IdentityPage { items, next })
}

/// Everything under a prefix; the method takes no arguments.
fn all<T>(host: &dyn Host, args: &[u8], prefix: &StateKey) -> Result<Vec<u8>>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let () = decode_args(args)?;
    let items = scan::entries(host, prefix).map(|(_, value)| decode_stored::<T>(&value));
    encode_result(&items.collect::<Result<Vec<_>>>()?)
}
