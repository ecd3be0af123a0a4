//! Authorized Economic Operators.

use std::time::Duration;

use serde::Serialize;

use crate::{
    client::{Client, Consistency},
    error::ClientError,
    types::{
        BatchAnswer, BatchMode, CertifyRequest, ChangeRequest, HistoryAnswer, ListAnswer,
        OperatorAnswer, TransactionAnswer,
    },
};

const AUTHORIZATIONS: [&str; 3] = ["v1", "aeo", "authorizations"];
const OPERATORS: [&str; 3] = ["v1", "aeo", "operators"];

/// Commands are signed by the node on behalf of the account, which needs the role `officer`. With
/// `wait`, a command that the contract refuses is a [`ClientError::Problem`] that names its
/// transaction.
impl Client {
    /// Grants an authorization.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_certify(
        &self,
        request: &CertifyRequest,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.post(&AUTHORIZATIONS, wait, request).await
    }

    /// Grants up to 1000 authorizations, each with its own result.
    ///
    /// # Errors
    /// If the request as a whole was refused.
    pub async fn aeo_certify_batch(
        &self,
        rows: &[CertifyRequest],
        mode: BatchMode,
        wait: Option<Duration>,
    ) -> Result<BatchAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            rows: &'a [CertifyRequest],
            mode: BatchMode,
        }
        self.post(&["v1", "aeo", "authorizations", "batch"], wait, &Form { rows, mode }).await
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

    /// Revokes an authorization for ever.
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

    /// All authorizations of an operator.
    ///
    /// # Errors
    /// See [`ClientError`]. An operator without any is an answer, not an error.
    pub async fn aeo_operator(
        &self,
        scheme: &str,
        identifier: &str,
        consistency: Consistency,
    ) -> Result<OperatorAnswer, ClientError> {
        let path = [&OPERATORS[..], &[scheme, identifier]].concat();
        self.get(&path, &[("consistency", consistency)]).await
    }

    /// A page of the history of `member`'s authorization `number` of an operator, from an index on.
    ///
    /// # Errors
    /// `unknown-authorization` if there is none.
    pub async fn aeo_history(
        &self,
        operator: (&str, &str),
        member: &str,
        number: &str,
        from: u64,
    ) -> Result<HistoryAnswer, ClientError> {
        let (scheme, identifier) = operator;
        let path = [&OPERATORS[..], &[scheme, identifier, "history"]].concat();
        let from = from.to_string();
        self.get(&path, &[("member", member), ("number", number), ("from", &from)]).await
    }

    /// A page of all authorizations of all members: up to `limit` (at most 100) after a cursor.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn aeo_list(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<ListAnswer, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        self.get(&AUTHORIZATIONS, &[("after", after), ("limit", limit.as_deref())]).await
    }
}
