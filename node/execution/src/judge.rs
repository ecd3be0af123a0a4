//! What becomes of an item before any contract runs. The order of the checks is part of the
//! protocol: the first that fails decides.
//!
//! | # | check, at the block's time | if it fails | id consumed |
//! |---|---|---|---|
//! | 1 | a canonical transaction within its limits | void `malformed`, blames the leader | no |
//! | 2 | signed for this channel | void `wrong-channel`, blames the leader | no |
//! | 3 | the author's key id names an identity | void `unknown-identity`, blames the leader | no |
//! | 4 | the author's signature (strict Ed25519) | void `bad-signature`, blames the leader | no |
//! | 5 | `expires_ms` is not before the block's time | expired | no |
//! | 6 | `expires_ms` is at most `max-expiry-ms` ahead | void `expiry-too-far` | no |
//! | 7 | the id has no replay entry | duplicate | it was |
//! | 8 | the author's identity is not revoked | rejected `identity-revoked` | yes |
//! | 9 | ... and is within its validity | rejected `identity-expired` | yes |
//! | 10 | `on_behalf` only by a node | rejected `not-a-node` | yes |
//! | 11 | the contract exists | rejected `unknown-contract` | yes |
//! | 12 | ... in the version the author expects | rejected `contract-changed` | yes |
//! | 13 | ... with a policy for the method | rejected `unknown-method` | yes |
//! | 14 | endorsements: identities in force, valid signatures, exactly what the policy asks for | void `endorsements-do-not-meet-policy` | no |
//! | 15 | the contract's call succeeds | rejected, with the contract's or the runtime's code | yes |
//!
//! Why this order:
//! * Until 4 nothing proves that the author had a hand in the item, so nothing may be consumed in
//!   her name. Another's statement under one's own key is another id; her statement under a
//!   forged signature, or with the wrong key, ends in 4.
//! * Endorsements travel beside the statement and anyone on the way can strip or add some. So 14 is
//!   void too, and what comes before it depends on the statement alone: whoever tampers with the
//!   endorsements cannot choose the outcome. An outcome leaf names only endorsements that were
//!   checked: those of items that passed 14.
//! * 5 precedes 7, so replay entries of expired transactions need not be kept.

use std::{collections::BTreeMap, sync::Arc};

use precinto_protocol::{
    call::Signer,
    hash::Hash,
    identity::{KeyId, Role},
    limits::{CALL_FUEL, DEFAULT_MAX_EXPIRY_MS},
    outcome::{VoidReason, code},
    policy::Policy,
    registry::{ContractEntry, Identity, IdentityStatus, SystemKey, parameter},
    transaction::TransactionId,
};

use crate::{
    mutated::mutated,
    precheck::{Checked, KeyCache, Prechecked},
    registry::Registry,
    view::{StateView, ViewError},
};

/// When and under which parameters items are judged: those in force before the block.
pub(crate) struct Terms {
    pub(crate) channel: Hash,
    pub(crate) time_ms: u64,
    pub(crate) max_expiry_ms: u64,
    pub(crate) call_fuel: u64,
}

impl Terms {
    pub(crate) fn read(
        state: &dyn StateView,
        channel: Hash,
        time_ms: u64,
    ) -> Result<Terms, ViewError> {
        let registry = Registry::new(state);
        let max_expiry_ms = registry.parameter(parameter::MAX_EXPIRY_MS)?;
        let call_fuel = registry.parameter(parameter::CALL_FUEL)?;
        Ok(Terms {
            channel,
            time_ms,
            max_expiry_ms: max_expiry_ms.unwrap_or(DEFAULT_MAX_EXPIRY_MS),
            call_fuel: call_fuel.unwrap_or(CALL_FUEL),
        })
    }
}

/// What becomes of an item.
pub(crate) enum Verdict<'a> {
    /// Nothing is left of it.
    Void(VoidReason),
    /// Its time is over: nothing is left of it.
    Expired(TransactionId),
    /// Executed before: nothing is left of it.
    Duplicate(TransactionId),
    /// Refused before any call.
    Rejected(Refused<'a>),
    /// The contract is to be called.
    Call(Admitted<'a>),
}

/// An item that is rejected by a check of the table.
pub(crate) struct Refused<'a> {
    pub(crate) item: &'a Checked,
    pub(crate) author: Signer,
    pub(crate) code: &'static str,
}

/// An item that passed all checks.
pub(crate) struct Admitted<'a> {
    pub(crate) item: &'a Checked,
    /// Author first, then endorsers by key id.
    pub(crate) signers: Vec<Signer>,
    pub(crate) contract: Arc<ContractEntry>,
    /// What the method asks for.
    pub(crate) policy: Policy,
}

/// Judges items one after the other against a state, and remembers what it read of the registry
/// until [`Judge::forget`].
pub(crate) struct Judge<'k> {
    pub(crate) terms: Terms,
    keys: &'k KeyCache,
    identities: BTreeMap<KeyId, Option<Arc<Identity>>>,
    contracts: BTreeMap<String, Option<Arc<ContractEntry>>>,
}

impl<'k> Judge<'k> {
    pub(crate) fn new(terms: Terms, keys: &'k KeyCache) -> Judge<'k> {
        Judge { terms, keys, identities: BTreeMap::new(), contracts: BTreeMap::new() }
    }

    /// To be called when the registry changed.
    pub(crate) fn forget(&mut self) {
        self.identities.clear();
        self.contracts.clear();
    }

    /// Checks 1 to 14 of the table.
    pub(crate) fn judge<'a>(
        &mut self,
        item: &'a Prechecked,
        state: &dyn StateView,
    ) -> Result<Verdict<'a>, ViewError> {
        Ok(match self.judge_so_far(item, state)? {
            Verdict::Call(admitted) if !admitted.policy.is_met_by(&admitted.signers) => {
                Verdict::Void(VoidReason::Endorsements)
            }
            verdict => verdict,
        })
    }

    /// The same of a transaction that may still lack endorsements: those it has must be valid.
    pub(crate) fn judge_so_far<'a>(
        &mut self,
        item: &'a Prechecked,
        state: &dyn StateView,
    ) -> Result<Verdict<'a>, ViewError> {
        let Ok(item) = &item.content else {
            return Ok(Verdict::Void(VoidReason::Malformed));
        };
        let statement = &item.transaction.statement;
        let call = statement.call();
        if call.channel != self.terms.channel {
            return Ok(Verdict::Void(VoidReason::WrongChannel));
        }
        let Some(identity) = self.identity(state, &statement.key_id())? else {
            return Ok(Verdict::Void(VoidReason::UnknownIdentity));
        };
        if !item.is_signed(&identity.public_key, self.keys) && !mutated("apply-void") {
            return Ok(Verdict::Void(VoidReason::BadSignature));
        }
        if call.expires_ms < self.terms.time_ms && !mutated("execute-expired") {
            return Ok(Verdict::Expired(item.id));
        }
        if call.expires_ms.saturating_sub(self.terms.time_ms) > self.terms.max_expiry_ms {
            return Ok(Verdict::Void(VoidReason::ExpiryTooFar));
        }
        let replay = SystemKey::replay(call.expires_ms, &item.id);
        if state.get(&replay)?.is_some() && !mutated("execute-twice") {
            return Ok(Verdict::Duplicate(item.id));
        }
        self.judge_author(item, &identity, state)
    }

    /// Checks 8 to 14, without what the policy asks for.
    fn judge_author<'a>(
        &mut self,
        item: &'a Checked,
        identity: &Identity,
        state: &dyn StateView,
    ) -> Result<Verdict<'a>, ViewError> {
        let statement = &item.transaction.statement;
        let call = statement.call();
        let mut author = signer(statement.key_id(), identity);
        let is_node = identity.roles.contains(&Role::Node);
        if let Some(on_behalf) = call.on_behalf.filter(|_| is_node) {
            author.roles = vec![on_behalf.role];
            author.pseudonym = Some(on_behalf.pseudonym);
        }
        let rejected = |author, code| Ok(Verdict::Rejected(Refused { item, author, code }));
        if let Err(code) = in_force(identity, self.terms.time_ms) {
            return rejected(author, code);
        }
        if call.on_behalf.is_some() && !is_node {
            return rejected(author, code::NOT_A_NODE);
        }
        let Some(contract) = self.contract(state, &call.contract)? else {
            return rejected(author, code::UNKNOWN_CONTRACT);
        };
        if contract.version != call.contract_version {
            return rejected(author, code::CONTRACT_CHANGED);
        }
        let Some(policy) = policy(&contract, &call.method) else {
            return rejected(author, code::UNKNOWN_METHOD);
        };
        Ok(match self.signers(item, author, state)? {
            Some(signers) => Verdict::Call(Admitted { item, signers, contract, policy }),
            None => Verdict::Void(VoidReason::Endorsements),
        })
    }

    /// Author and endorsers; `None` if an endorsement is not valid.
    fn signers(
        &mut self,
        item: &Checked,
        author: Signer,
        state: &dyn StateView,
    ) -> Result<Option<Vec<Signer>>, ViewError> {
        let mut signers = vec![author];
        for (index, endorsement) in item.transaction.endorsements.iter().enumerate() {
            let Some(identity) = self.identity_in_force(state, &endorsement.key_id)? else {
                return Ok(None);
            };
            let valid = item.is_endorsed(index, &identity.public_key, self.keys);
            if !valid {
                return Ok(None);
            }
            signers.push(signer(endorsement.key_id, &identity));
        }
        Ok(Some(signers))
    }

    /// The identity with this key id, if it may sign now.
    pub(crate) fn identity_in_force(
        &mut self,
        state: &dyn StateView,
        id: &KeyId,
    ) -> Result<Option<Arc<Identity>>, ViewError> {
        let identity = self.identity(state, id)?;
        Ok(identity.filter(|identity| in_force(identity, self.terms.time_ms).is_ok()))
    }

    pub(crate) fn identity(
        &mut self,
        state: &dyn StateView,
        id: &KeyId,
    ) -> Result<Option<Arc<Identity>>, ViewError> {
        if let Some(known) = self.identities.get(id) {
            return Ok(known.clone());
        }
        let identity = Registry::new(state).identity(id)?.map(Arc::new);
        self.identities.insert(*id, identity.clone());
        Ok(identity)
    }

    fn contract(
        &mut self,
        state: &dyn StateView,
        name: &str,
    ) -> Result<Option<Arc<ContractEntry>>, ViewError> {
        if let Some(known) = self.contracts.get(name) {
            return Ok(known.clone());
        }
        let contract = Registry::new(state).contract(name)?.map(Arc::new);
        self.contracts.insert(name.to_owned(), contract.clone());
        Ok(contract)
    }
}

/// Whether an identity may sign at a time; if not, why.
fn in_force(identity: &Identity, time_ms: u64) -> Result<(), &'static str> {
    if identity.status != IdentityStatus::Active && !mutated("ignore-revocation") {
        return Err(code::IDENTITY_REVOKED);
    }
    if !(identity.valid_from_ms..identity.valid_until_ms).contains(&time_ms) {
        return Err(code::IDENTITY_EXPIRED);
    }
    Ok(())
}

/// A method's policy. One that does not parse gives nobody a right.
fn policy(contract: &ContractEntry, method: &str) -> Option<Policy> {
    contract.policy(method)?.parse().ok()
}

/// Who signs with an identity, in its own roles.
pub(crate) fn signer(key_id: KeyId, identity: &Identity) -> Signer {
    Signer {
        key_id,
        member: identity.member.clone(),
        roles: identity.roles.clone(),
        pseudonym: None,
    }
}
