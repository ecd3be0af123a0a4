//! Admission: the checks of execution, made before a transaction is ordered, so that its sender
//! learns at once what is wrong.
//!
//! Admission promises nothing: the state may change before the transaction is executed. It only
//! keeps out of blocks what would leave nothing there.

use precinto_protocol::{
    hash::Hash,
    identity::{KeyId, MemberId},
    outcome::VoidReason,
    statement::StatementError,
    transaction::{Transaction, TransactionError, TransactionId},
};

use crate::{
    codes,
    judge::{Admitted, Judge, Terms, Verdict},
    precheck::{KeyCache, Prechecked, precheck},
    view::{StateView, ViewError},
};

/// Why a transaction is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Not a canonical transaction.
    #[error(transparent)]
    Malformed(#[from] TransactionError),
    /// Would be void in a block.
    #[error("{}", codes::void_reason(*.0))]
    Void(VoidReason),
    /// Its time is over.
    #[error("the transaction has expired")]
    Expired,
    /// It was executed before: its status is the answer.
    #[error("transaction {0} was executed before")]
    Duplicate(TransactionId),
    /// Would be rejected in a block, with this code.
    #[error("{}", codes::explain(.0))]
    Rejected(&'static str),
    /// The node cannot read its state.
    #[error(transparent)]
    Unavailable(#[from] ViewError),
}

impl AdmissionError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            AdmissionError::Malformed(error) if too_large(error) => "statement-too-large",
            AdmissionError::Malformed(_) => VoidReason::Malformed.code(),
            AdmissionError::Void(reason) => reason.code(),
            AdmissionError::Expired => "expired",
            AdmissionError::Duplicate(_) => "duplicate",
            AdmissionError::Rejected(code) => code,
            AdmissionError::Unavailable(_) => "state-unavailable",
        }
    }

    /// What the sender can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            AdmissionError::Malformed(error) if too_large(error) => {
                "put large documents elsewhere and notarize their hash"
            }
            AdmissionError::Malformed(_) => codes::void_hint(VoidReason::Malformed),
            AdmissionError::Void(reason) => codes::void_hint(*reason),
            AdmissionError::Expired => "sign the call again with a later `expires_ms`",
            AdmissionError::Duplicate(_) => "ask for the transaction's status",
            AdmissionError::Rejected(code) => codes::rejection_hint(code),
            AdmissionError::Unavailable(_) => "try again, or ask another node",
        }
    }
}

fn too_large(error: &TransactionError) -> bool {
    matches!(error, TransactionError::Statement(StatementError::TooLarge))
}

/// Admits transactions against one state. What it reads of the registry it reads once, so one
/// serves all transactions of a request.
pub struct Admission<'a> {
    state: &'a dyn StateView,
    keys: &'a KeyCache,
    judge: Judge<'a>,
}

impl<'a> Admission<'a> {
    /// Admission to a channel, by its genesis hash. `time_ms` is the time the next block would
    /// have: the later of one millisecond after the last block and the node's clock.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn new(
        state: &'a dyn StateView,
        keys: &'a KeyCache,
        channel: Hash,
        time_ms: u64,
    ) -> Result<Admission<'a>, ViewError> {
        let terms = Terms::read(state, channel, time_ms)?;
        Ok(Admission { state, keys, judge: Judge::new(terms, keys) })
    }

    /// The member of an identity, whatever its state.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn member(&mut self, id: &KeyId) -> Result<Option<MemberId>, ViewError> {
        let identity = self.judge.identity(self.state, id)?;
        Ok(identity.map(|identity| identity.member.clone()))
    }

    /// Checks an encoded transaction as execution would in the next block.
    ///
    /// # Errors
    /// See [`AdmissionError`].
    pub fn admit(&mut self, bytes: &[u8]) -> Result<Transaction, AdmissionError> {
        let item = precheck(bytes, self.keys);
        let verdict = self.judge.judge(&item, self.state)?;
        admitted(verdict, &item)?;
        Ok(item.content?.transaction)
    }
}

/// The transaction that passed, with what the checks found out.
pub(crate) fn admitted<'a>(
    verdict: Verdict<'a>,
    item: &Prechecked,
) -> Result<Admitted<'a>, AdmissionError> {
    let refusal = match verdict {
        Verdict::Void(reason) => AdmissionError::Void(reason),
        Verdict::Expired(_) => AdmissionError::Expired,
        Verdict::Duplicate(id) => AdmissionError::Duplicate(id),
        Verdict::Rejected(refused) => AdmissionError::Rejected(refused.code),
        Verdict::Call(admitted) => return Ok(admitted),
    };
    // What is wrong with the form is known more exactly.
    match &item.content {
        Err(malformed) => Err(malformed.clone().into()),
        Ok(_) => Err(refusal),
    }
}
