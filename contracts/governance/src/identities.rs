//! A member's identities in the registry: reading, and writing with history, index and event.

use alloc::vec::Vec;

use precinto_contract::{Host, Key, Rejection, Result, decode_stored};
use precinto_protocol::{
    governance::IdentityEvent,
    hash::Hash,
    identity::{KeyId, Role},
    registry::{Identity, IdentityStatus, RegistryKey},
    state::StateKey,
};

use crate::{methods::code, scan};

/// Topic of every change of an identity.
const TOPIC: &str = "governance.identity";

/// The identity of a key, if it was ever enrolled.
pub(crate) fn read(host: &dyn Host, id: &KeyId) -> Result<Option<Identity>> {
    host.read(&Key::from(&RegistryKey::identity(id)))
}

/// Writes a new identity and its place in the index of its member.
pub(crate) fn add(host: &mut dyn Host, identity: &Identity) -> Result<()> {
    let id = KeyId::of(&identity.public_key);
    let index = member_key(RegistryKey::member_identity(&identity.member, &id))?;
    host.write(&Key::from(&index), &identity.roles);
    change(host, identity, "enrol");
    Ok(())
}

/// Writes an identity as it now stands, its history and the event.
pub(crate) fn change(host: &mut dyn Host, identity: &Identity, change: &str) {
    let key_id = KeyId::of(&identity.public_key);
    host.write(&Key::from(&RegistryKey::identity(&key_id)), identity);
    host.append(&Key::from(&RegistryKey::identity_history(&key_id)), identity);
    let event = IdentityEvent { key_id, member: identity.member.clone(), change: change.into() };
    host.publish(TOPIC, &event);
}

/// The key ids and roles of all keys `member` ever enrolled, in order of key id, after a key id.
pub(crate) fn index<'h>(
    host: &'h dyn Host,
    member: &str,
    after: Option<&KeyId>,
) -> Result<impl Iterator<Item = Result<(KeyId, Vec<Role>)>> + use<'h>> {
    let prefix = member_key(RegistryKey::member_identities(member))?;
    let after = after.map(|id| member_key(RegistryKey::member_identity(member, id))).transpose()?;
    let entries = scan::entries_after(host, &prefix, after.as_ref().map(Key::from));
    Ok(entries.map(|(key, roles)| Ok((key_id(&key)?, decode_stored(&roles)?))))
}

/// Refuses to go on if no admin of `member` could sign at `now_ms` any more.
pub(crate) fn require_admin(host: &dyn Host, member: &str, now_ms: u64) -> Result<()> {
    for entry in index(host, member, None)? {
        let (id, roles) = entry?;
        if roles.contains(&Role::Admin)
            && read(host, &id)?.is_some_and(|identity| can_sign(&identity, now_ms))
        {
            return Ok(());
        }
    }
    Err(Rejection::new(
        code::LAST_ADMIN,
        "the member would be left without an admin who can sign: enrol or rotate one first",
    ))
}

fn can_sign(identity: &Identity, now_ms: u64) -> bool {
    identity.status == IdentityStatus::Active
        && (identity.valid_from_ms..identity.valid_until_ms).contains(&now_ms)
}

/// The last component of a key of the index.
fn key_id(key: &Key) -> Result<KeyId> {
    let last = key.components().last().unwrap_or_default();
    let bytes: [u8; 32] = last.try_into().map_err(|_| {
        Rejection::new(Rejection::CORRUPT_STATE, "an entry of the index without a key id")
    })?;
    Ok(KeyId(Hash(bytes)))
}

/// A key made with a member's id, which is too long only if there is no such member.
fn member_key<E>(key: core::result::Result<StateKey, E>) -> Result<StateKey> {
    key.map_err(|_| Rejection::new(Rejection::BAD_ARGUMENTS, "member: longer than any member's id"))
}
