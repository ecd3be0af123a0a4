//! The table "What becomes of an item" of docs/FORMATS.md, written down once more.

use precinto_protocol::{
    call::Signer,
    identity::{KeyId, Role},
    keys::PublicKey,
    outcome::{Outcome, code},
    policy::Policy,
    registry::{Identity, IdentityStatus},
    transaction::{Transaction, endorsement_digest},
};

use super::{Model, PROBE, probe};

/// What the outcome of an executed transaction must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Committed,
    Rejected(&'static str),
    /// The contract decides, and the model does not know it.
    Any,
}

impl Expected {
    pub(super) fn allows(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Expected::Any, _) | (Expected::Committed, Outcome::Committed) => true,
            (Expected::Rejected(expected), Outcome::Rejected { code }) => expected == code,
            _ => false,
        }
    }
}

impl Model {
    /// The transaction that is to be executed, and its outcome; `None` if the item leaves nothing.
    /// The numbers are those of the table.
    pub(super) fn judge(&self, item: &[u8], time_ms: u64) -> Option<(Transaction, Expected)> {
        let transaction = Transaction::decode(item).ok()?; // 1
        let statement = &transaction.statement;
        let call = statement.call();
        let identity = self.identities.get(&statement.key_id())?; // 3
        let key = PublicKey::from_bytes(&identity.public_key).ok()?;
        let in_time = time_ms <= call.expires_ms; // 5
        let leaves_something = call.channel == self.channel // 2
            && statement.verify(&key) // 4
            && in_time
            && call.expires_ms - time_ms <= self.max_expiry_ms // 6
            && !self.executed.contains_key(&transaction.id()); // 7
        if !leaves_something {
            return None;
        }
        let expected = match self.refused(&transaction, identity, time_ms) {
            Some(code) => Expected::Rejected(code), // 8 to 13
            None if !self.is_endorsed(&transaction, identity, time_ms) => return None, // 14
            None if call.contract == PROBE => probe::expected(call), // 15
            None => Expected::Any,
        };
        Some((transaction, expected))
    }

    fn refused(
        &self,
        transaction: &Transaction,
        author: &Identity,
        time_ms: u64,
    ) -> Option<&'static str> {
        let call = transaction.statement.call();
        let contract = self.contracts.get(&call.contract);
        if author.status != IdentityStatus::Active {
            Some(code::IDENTITY_REVOKED)
        } else if time_ms < author.valid_from_ms || author.valid_until_ms <= time_ms {
            Some(code::IDENTITY_EXPIRED)
        } else if call.on_behalf.is_some() && !author.roles.contains(&Role::Node) {
            Some(code::NOT_A_NODE)
        } else if contract.is_none() {
            Some(code::UNKNOWN_CONTRACT)
        } else if contract.is_some_and(|contract| contract.version != call.contract_version) {
            Some(code::CONTRACT_CHANGED)
        } else if self.policy(transaction).is_none() {
            Some(code::UNKNOWN_METHOD)
        } else {
            None
        }
    }

    fn policy(&self, transaction: &Transaction) -> Option<Policy> {
        let call = transaction.statement.call();
        self.contracts.get(&call.contract)?.policy(&call.method)?.parse().ok()
    }

    fn is_endorsed(&self, transaction: &Transaction, author: &Identity, time_ms: u64) -> bool {
        let statement = &transaction.statement;
        let mut first = signer(statement.key_id(), author);
        if let Some(on_behalf) = statement.call().on_behalf {
            first.roles = vec![on_behalf.role];
            first.pseudonym = Some(on_behalf.pseudonym);
        }
        let digest = endorsement_digest(&transaction.id(), statement.call().contract_version);
        let others = transaction.endorsements.iter().map(|endorsement| {
            let identity = self.identities.get(&endorsement.key_id)?;
            let in_force = identity.status == IdentityStatus::Active
                && identity.valid_from_ms <= time_ms
                && time_ms < identity.valid_until_ms;
            let key = PublicKey::from_bytes(&identity.public_key).ok()?;
            let valid = in_force && key.verify(digest.as_bytes(), &endorsement.signature);
            valid.then(|| signer(endorsement.key_id, identity))
        });
        let signers: Option<Vec<Signer>> = std::iter::once(Some(first)).chain(others).collect();
        let policy = self.policy(transaction);
        signers.zip(policy).is_some_and(|(signers, policy)| policy.is_met_by(&signers))
    }
}

fn signer(key_id: KeyId, identity: &Identity) -> Signer {
    let (member, roles) = (identity.member.clone(), identity.roles.clone());
    Signer { key_id, member, roles, pseudonym: None }
}
