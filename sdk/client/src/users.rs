//! Sessions, accounts and the audit trail of a node.

use reqwest::Method;
use serde::Serialize;

use crate::{
    client::{Client, accepted},
    error::ClientError,
    types::{
        AuditAnswer, AuditFilter, NewTokenAnswer, SessionAnswer, User, UsersAnswer, WhoAnswer,
    },
};

/// Which lines of the audit trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditKind {
    /// Reads of records.
    Reads,
    /// Logins and changes of accounts.
    Accounts,
}

/// Managing accounts needs the role `admin`, the audit trail `auditor`.
impl Client {
    /// Begins a session; its token makes a client of the account ([`Client::new`]).
    ///
    /// # Errors
    /// `wrong-password`, or `too-many-attempts` with a time to wait.
    pub async fn log_in(&self, name: &str, password: &str) -> Result<SessionAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            password: &'a str,
        }
        self.post(&["v1", "session"], None, &Form { name, password }).await
    }

    /// Whose credentials these are.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn session(&self) -> Result<WhoAnswer, ClientError> {
        self.get(&["v1", "session"], &()).await
    }

    /// Ends the session.
    ///
    /// # Errors
    /// `no-session` for a client with a token.
    pub async fn log_out(&self) -> Result<(), ClientError> {
        let response = self.request(Method::DELETE, &["v1", "session"]).send().await?;
        accepted(response).await.map(drop)
    }

    /// Changes one's own password, which ends one's other sessions.
    ///
    /// # Errors
    /// `wrong-password`, `weak-password`.
    pub async fn change_password(&self, current: &str, new: &str) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            current: &'a str,
            new: &'a str,
        }
        let request = self.request(Method::PUT, &["v1", "session", "password"]);
        accepted(request.json(&Form { current, new }).send().await?).await.map(drop)
    }

    /// All accounts.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn users(&self) -> Result<UsersAnswer, ClientError> {
        self.get(&["v1", "users"], &()).await
    }

    /// Adds an account; without a password it cannot log in.
    ///
    /// # Errors
    /// `user-exists`, `weak-password`, `invalid-field`.
    pub async fn add_user(
        &self,
        name: &str,
        roles: &[String],
        password: Option<&str>,
    ) -> Result<User, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            roles: &'a [String],
            password: Option<&'a str>,
        }
        self.post(&["v1", "users"], None, &Form { name, roles, password }).await
    }

    /// Gives an account other roles.
    ///
    /// # Errors
    /// `unknown-user`, `last-admin-account`.
    pub async fn set_user_roles(&self, name: &str, roles: &[String]) -> Result<User, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            roles: &'a [String],
        }
        self.put(&["v1", "users", name, "roles"], &Form { roles }).await
    }

    /// Disables an account, or enables it again.
    ///
    /// # Errors
    /// `unknown-user`, `last-admin-account`.
    pub async fn set_user_disabled(&self, name: &str, disabled: bool) -> Result<User, ClientError> {
        let act = if disabled { "disable" } else { "enable" };
        self.post(&["v1", "users", name, act], None, &()).await
    }

    /// Gives an account another password, which ends its sessions.
    ///
    /// # Errors
    /// `unknown-user`, `weak-password`.
    pub async fn reset_user_password(
        &self,
        name: &str,
        password: &str,
    ) -> Result<User, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            password: &'a str,
        }
        self.put(&["v1", "users", name, "password"], &Form { password }).await
    }

    /// Makes a token of an account, good for `days` or for ever.
    ///
    /// # Errors
    /// `unknown-user`, `invalid-field`.
    pub async fn add_user_token(
        &self,
        account: &str,
        name: &str,
        roles: &[String],
        days: Option<u32>,
    ) -> Result<NewTokenAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            roles: &'a [String],
            days: Option<u32>,
        }
        self.post(&["v1", "users", account, "tokens"], None, &Form { name, roles, days }).await
    }

    /// Revokes a token of an account.
    ///
    /// # Errors
    /// `unknown-user`, `unknown-token`.
    pub async fn revoke_user_token(&self, account: &str, name: &str) -> Result<User, ClientError> {
        let path = ["v1", "users", account, "tokens", name];
        self.send(self.request(Method::DELETE, &path)).await
    }

    /// A page of the audit trail.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn audit(
        &self,
        kind: AuditKind,
        filter: &AuditFilter,
    ) -> Result<AuditAnswer, ClientError> {
        let kind = match kind {
            AuditKind::Reads => "reads",
            AuditKind::Accounts => "accounts",
        };
        self.get(&["v1", "audit", kind], filter).await
    }

    async fn put<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }
}
