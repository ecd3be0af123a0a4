//! Authorized Economic Operators.

use std::time::Duration;

use serde::Serialize;

use crate::{
    client::{Client, Consistency},
    error::ClientError,
    types::{
        AliasRequest, AliasesAnswer, AmendRequest, Asked, BatchAnswer, BatchMode, BatchRow,
        BenefitAnswer, BenefitQuestion, CertifyRequest, ChangeRequest, DecideRequest, FoundAnswer,
        HistoryAnswer, ListAnswer, ListFilter, MraAnswer, MrasAnswer, NewMra, NumberAnswer,
        PendingListAnswer, RetireRequest, TransactionAnswer,
    },
};

const AUTHORIZATIONS: [&str; 3] = ["v1", "aeo", "authorizations"];
const OPERATORS: [&str; 3] = ["v1", "aeo", "operators"];
const NUMBERS: [&str; 3] = ["v1", "aeo", "numbers"];
const MRAS: [&str; 3] = ["v1", "aeo", "mras"];

/// Commands are signed by the node on behalf of the account, which needs the role `officer`, unless
/// said otherwise. With `wait`, a command that the contract refuses is a [`ClientError::Problem`] that
/// names its transaction.
impl Client {
    /// Grants an authorization.
    ///
    /// # Errors
    /// `number-taken` if the member used the number before; see [`ClientError`].
    pub async fn aeo_certify(
        &self,
        request: &CertifyRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&AUTHORIZATIONS, wait, request).await
    }

    /// Gives an authorization other terms.
    ///
    /// # Errors
    /// `nothing-to-amend` if it has these terms; see [`ClientError`].
    pub async fn aeo_amend(
        &self,
        request: &AmendRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "amend"], wait, request).await
    }

    /// Suspends an authorization.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_suspend(
        &self,
        request: &ChangeRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "suspend"], wait, request).await
    }

    /// Reinstates a suspended authorization.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_reinstate(
        &self,
        request: &ChangeRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "reinstate"], wait, request).await
    }

    /// Ends an authorization that its holder gave up, for ever.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_withdraw(
        &self,
        request: &ChangeRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "withdraw"], wait, request).await
    }

    /// Proposes to revoke an authorization for ever: a second person must approve. The transaction's id is
    /// the proposal.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_revoke(
        &self,
        request: &ChangeRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "revoke"], wait, request).await
    }

    /// Proposes to annul an authorization from its beginning: a second person must approve. The
    /// transaction's id is the proposal.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_annul(
        &self,
        request: &ChangeRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "annul"], wait, request).await
    }

    /// Approves what another person of the member proposed. Needs the role `supervisor`.
    ///
    /// # Errors
    /// `same-person` for who proposed it; see [`ClientError`].
    pub async fn aeo_approve(
        &self,
        request: &DecideRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "approve"], wait, request).await
    }

    /// Declines what a person of the member proposed. Needs the role `officer` or `supervisor`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_decline(
        &self,
        request: &DecideRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "authorizations", "decline"], wait, request).await
    }

    /// Grants and changes up to 1000 authorizations, each with its own result.
    ///
    /// # Errors
    /// If the request as a whole was refused.
    pub async fn aeo_batch(
        &self,
        rows: &[BatchRow],
        mode: BatchMode,
        wait: Option<Duration>,
    ) -> Result<BatchAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            rows: &'a [BatchRow],
            mode: BatchMode,
        }
        self.post(&["v1", "aeo", "authorizations", "batch"], wait, &Form { rows, mode }).await
    }

    /// What an identifier leads to: operators with all their authorizations, directly and by aliases.
    ///
    /// # Errors
    /// See [`ClientError`]. An identifier that leads to none is an answer, not an error.
    pub async fn aeo_find(
        &self,
        scheme: &str,
        identifier: &str,
        asked: impl Into<Asked>,
    ) -> Result<FoundAnswer, ClientError> {
        self.get(&[&OPERATORS[..], &[scheme, identifier]].concat(), &asked.into()).await
    }

    /// The authorization that `member` granted under `number`.
    ///
    /// # Errors
    /// `unknown-authorization` if there is none.
    pub async fn aeo_number(
        &self,
        member: &str,
        number: &str,
        asked: impl Into<Asked>,
    ) -> Result<NumberAnswer, ClientError> {
        self.get(&[&NUMBERS[..], &[member, number]].concat(), &asked.into()).await
    }

    /// A page of the history of the authorization that `member` granted under `number`, from an index
    /// on; the last page is empty.
    ///
    /// # Errors
    /// `unknown-authorization` if there is none.
    pub async fn aeo_history(
        &self,
        member: &str,
        number: &str,
        from: u64,
        known: Option<&str>,
    ) -> Result<HistoryAnswer, ClientError> {
        let from = from.to_string();
        let path = [&NUMBERS[..], &[member, number, "history"]].concat();
        self.get(&path, &[("from", Some(from.as_str())), ("known", known)]).await
    }

    /// Every declaration that another identifier means this operator.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_aliases(
        &self,
        scheme: &str,
        identifier: &str,
        consistency: Consistency,
    ) -> Result<AliasesAnswer, ClientError> {
        let path = [&OPERATORS[..], &[scheme, identifier, "aliases"]].concat();
        self.get(&path, &[("consistency", consistency)]).await
    }

    /// A page of authorizations: up to `limit` (at most 100). Go on with the `next` of the page until it
    /// is absent; a short or empty page is not the last.
    ///
    /// # Errors
    /// `node-behind`, which passes, if a cursor of another node is ahead of this one.
    pub async fn aeo_list(
        &self,
        filter: &ListFilter,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<ListAnswer, ClientError> {
        #[derive(Serialize)]
        struct Page<'a> {
            #[serde(flatten)]
            filter: &'a ListFilter,
            #[serde(skip_serializing_if = "Option::is_none")]
            cursor: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            limit: Option<u32>,
        }
        self.get(&AUTHORIZATIONS, &Page { filter, cursor, limit }).await
    }

    /// Whether a member owes a benefit to an operator that a partner authorized, and why.
    ///
    /// # Errors
    /// See [`ClientError`]. "Not due" is an answer, not an error.
    pub async fn aeo_benefit(
        &self,
        question: &BenefitQuestion,
    ) -> Result<BenefitAnswer, ClientError> {
        self.get(&["v1", "aeo", "benefit"], question).await
    }

    /// A page of what waits for a second person of the node's member.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_pending(
        &self,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<PendingListAnswer, ClientError> {
        self.get(&["v1", "aeo", "pending"], &page(cursor, limit)).await
    }

    /// Declares that an identifier means an operator.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_declare_alias(
        &self,
        request: &AliasRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "aliases"], wait, request).await
    }

    /// Retires a declaration.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_retire_alias(
        &self,
        request: &RetireRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&["v1", "aeo", "aliases", "retire"], wait, request).await
    }

    /// Proposes an arrangement, and by that accepts it. Needs the role `supervisor`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_propose_mra(
        &self,
        request: &NewMra,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&MRAS, wait, request).await
    }

    /// Accepts an arrangement. Needs the role `supervisor`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_accept_mra(
        &self,
        id: &str,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&[&MRAS[..], &[id, "accept"]].concat(), wait, &()).await
    }

    /// Leaves an arrangement for ever, at a time ([`AmendRequest::effective`]) or now. Needs the role
    /// `supervisor`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_leave_mra(
        &self,
        id: &str,
        effective: Option<&str>,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            effective: Option<&'a str>,
        }
        self.post(&[&MRAS[..], &[id, "leave"]].concat(), wait, &Form { effective }).await
    }

    /// A page of all arrangements.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_mras(
        &self,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<MrasAnswer, ClientError> {
        self.get(&MRAS, &page(cursor, limit)).await
    }

    /// One arrangement.
    ///
    /// # Errors
    /// `unknown-mra` if there is none.
    pub async fn aeo_mra(&self, id: &str) -> Result<MraAnswer, ClientError> {
        self.get(&[&MRAS[..], &[id]].concat(), &()).await
    }
}

/// Parameters of a page.
fn page(cursor: Option<&str>, limit: Option<u32>) -> [(&'static str, Option<String>); 2] {
    [("cursor", cursor.map(str::to_owned)), ("limit", limit.map(|limit| limit.to_string()))]
}
