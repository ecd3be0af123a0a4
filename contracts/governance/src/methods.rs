//! Methods that change identities of the author's member.

use alloc::{format, vec::Vec};

use precinto_contract::{Host, Rejection, Result, decode_args, encode_result};
use precinto_protocol::{
    call::CallContext,
    governance::{Enrol, Revoke, Rotate, key_possession},
    hash::Hash,
    host::is_code,
    identity::{KeyId, MemberId, Role},
    registry::{Identity, IdentityStatus},
};

use crate::identities;

const DAY_MS: u64 = 86_400_000;

/// How long a key may be valid, in milliseconds: five years, as long as national PKIs certify
/// signature keys.
pub const MAX_VALIDITY_MS: u64 = 5 * 366 * DAY_MS;

/// How far ahead of ledger time a key's validity may begin, in milliseconds: a year. Farther is a
/// typing error.
pub const MAX_START_AHEAD_MS: u64 = 366 * DAY_MS;

/// Codes of the contract's rejections, besides those of the SDK.
pub mod code {
    /// The call has no author.
    pub const NO_AUTHOR: &str = "no-author";
    /// The key is, or was, enrolled.
    pub const ALREADY_ENROLLED: &str = "already-enrolled";
    /// The member has no such key.
    pub const UNKNOWN_IDENTITY: &str = "unknown-identity";
    /// The key is revoked, for ever.
    pub const ALREADY_REVOKED: &str = "already-revoked";
    /// The key's validity is over.
    pub const IDENTITY_EXPIRED: &str = "identity-expired";
    /// A node's key comes and goes with its node.
    pub const NODE_IDENTITY: &str = "node-identity";
    /// The member would be left without an admin.
    pub const LAST_ADMIN: &str = "last-admin";
    /// A new key did not sign what shows that its holder wants it enrolled.
    pub const NO_POSSESSION: &str = "no-possession";
    /// The member has no such active node.
    pub const UNKNOWN_NODE: &str = "unknown-node";
    /// A node's id, storage or key is, or was, another's.
    pub const ALREADY_REGISTERED: &str = "already-registered";
    /// The Raft group has not yet taken the last change of nodes over.
    pub const CHANGE_PENDING: &str = "change-pending";
    /// Too few voters would be left.
    pub const WOULD_LOSE_QUORUM: &str = "would-lose-quorum";
    /// The node holds no voter's seat that it does not use yet.
    pub const NO_SEAT: &str = "no-seat";
}

/// `enrol`: the author's member enrols a key.
pub(crate) fn enrol(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Enrol = decode_args(args)?;
    let context = host.context();
    check_roles(&args.roles)?;
    if args.valid_from_ms > context.time_ms.saturating_add(MAX_START_AHEAD_MS) {
        return Err(bad("valid_from_ms", "at most a year from now"));
    }
    let identity = Identity {
        public_key: args.public_key,
        member: author(&context)?,
        roles: args.roles,
        valid_from_ms: args.valid_from_ms.max(context.time_ms),
        valid_until_ms: args.valid_until_ms,
        status: IdentityStatus::Active,
    };
    check_key(host, &context, &identity, &args.possession)?;
    add(host, &identity)?;
    encode_result(&())
}

/// `rotate`: a new key, valid at once, takes over the roles of an old one, which ends at
/// `old_until_ms`.
pub(crate) fn rotate(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Rotate = decode_args(args)?;
    let context = host.context();
    let now_ms = context.time_ms;
    let mut old = own_active(host, &context, &args.old)?;
    if old.roles.contains(&Role::Node) {
        return Err(Rejection::new(
            code::NODE_IDENTITY,
            "old: a node's key comes and goes with its node",
        ));
    }
    if old.valid_until_ms <= now_ms {
        return Err(Rejection::new(
            code::IDENTITY_EXPIRED,
            "old: no longer valid, enrol the new key instead",
        ));
    }
    if args.old_until_ms > old.valid_until_ms {
        return Err(bad("old_until_ms", "not later than the old key's present end"));
    }
    let new = Identity {
        public_key: args.public_key,
        member: old.member.clone(),
        roles: old.roles.clone(),
        valid_from_ms: now_ms,
        valid_until_ms: args.valid_until_ms,
        status: IdentityStatus::Active,
    };
    old.valid_until_ms = args.old_until_ms.max(now_ms);
    if new.valid_until_ms <= old.valid_until_ms {
        return Err(bad("valid_until_ms", "later than the old key's end"));
    }
    check_key(host, &context, &new, &args.possession)?;
    identities::change(host, &old, "rotate");
    add(host, &new)?;
    encode_result(&())
}

/// `revoke`: a key of the author's member may not sign from now on.
pub(crate) fn revoke(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Revoke = decode_args(args)?;
    let context = host.context();
    if !is_code(args.reason.as_bytes()) {
        return Err(bad("reason", "a code of 1 to 64 lower-case letters, digits and hyphens"));
    }
    let mut identity = own_active(host, &context, &args.key_id)?;
    identity.status = IdentityStatus::Revoked { at_ms: context.time_ms };
    identities::change(host, &identity, "revoke");
    if identity.roles.contains(&Role::Admin) {
        identities::require_admin(host, &identity.member, context.time_ms)?;
    }
    encode_result(&())
}

/// Refuses a key that whoever enrols it does not hold.
fn check_key(
    host: &dyn Host,
    context: &CallContext,
    identity: &Identity,
    possession: &[u8; 64],
) -> Result<()> {
    let Identity { public_key, member, .. } = identity;
    let message = key_possession(&context.channel, member, public_key);
    check_possession(host, "public_key", public_key, &message, possession)
}

/// Refuses a key that did not sign `message`.
pub(crate) fn check_possession(
    host: &dyn Host,
    field: &str,
    key: &[u8; 32],
    message: &Hash,
    signature: &[u8; 64],
) -> Result<()> {
    if host.verify_signature(key, message.as_bytes(), signature) {
        return Ok(());
    }
    let message = format!("{field}: its proof of possession is not a signature by this key");
    Err(Rejection::new(code::NO_POSSESSION, message))
}

/// Writes a new identity, if its key is new and its validity makes sense.
pub(crate) fn add(host: &mut dyn Host, identity: &Identity) -> Result<()> {
    if identity.valid_until_ms <= identity.valid_from_ms {
        return Err(bad("valid_until_ms", "later than now and than valid_from_ms"));
    }
    if identity.valid_until_ms - identity.valid_from_ms > MAX_VALIDITY_MS {
        return Err(bad("valid_until_ms", "at most five years after the validity begins"));
    }
    if identities::read(host, &KeyId::of(&identity.public_key))?.is_some() {
        return Err(Rejection::new(
            code::ALREADY_ENROLLED,
            "public_key: enrolled before, every enrolment needs a new key",
        ));
    }
    identities::add(host, identity)
}

/// The identity of a key of the author's member that is not revoked.
fn own_active(host: &dyn Host, context: &CallContext, id: &KeyId) -> Result<Identity> {
    let member = author(context)?;
    let identity = identities::read(host, id)?.filter(|identity| identity.member == member);
    let identity = identity.ok_or_else(|| {
        Rejection::new(code::UNKNOWN_IDENTITY, "the author's member has no such key")
    })?;
    if identity.status != IdentityStatus::Active {
        return Err(Rejection::new(code::ALREADY_REVOKED, "the key is revoked, for ever"));
    }
    Ok(identity)
}

pub(crate) fn author(context: &CallContext) -> Result<MemberId> {
    match context.author() {
        Some(author) => Ok(author.member.clone()),
        None => Err(Rejection::new(code::NO_AUTHOR, "the call has no author")),
    }
}

fn check_roles(roles: &[Role]) -> Result<()> {
    if roles.is_empty() || !roles.is_sorted_by(|a, b| a < b) {
        return Err(bad("roles", "at least one, sorted, each once"));
    }
    if roles.contains(&Role::Node) {
        return Err(Rejection::new(
            code::NODE_IDENTITY,
            "roles: a node's key comes and goes with its node",
        ));
    }
    Ok(())
}

pub(crate) fn bad(field: &str, rule: &str) -> Rejection {
    Rejection::new(Rejection::BAD_ARGUMENTS, format!("{field}: {rule}"))
}
