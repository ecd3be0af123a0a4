//! Local accounts: who may use this node's interface, and in which roles. Each member keeps its
//! own; the ledger knows officers by pseudonym alone.
//!
//! An account is used with a session, which begins with its password, or with one of its tokens.
//! Both are bearer tokens of 256 random bits, of which the node keeps digests alone. Accounts are
//! kept in one file that this process owns; a change is in force once it is on disk. Accounts are
//! disabled, never deleted: their past acts must stay attributable.

mod account;
mod book;
mod file;
mod password;
mod sessions;
mod throttle;

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use precinto_protocol::{hash::Hash, identity::Role};
use zeroize::Zeroizing;

pub use account::{Account, ApiToken, token_digest};
pub(crate) use account::{random_bytes, role_names};
use book::Book;
use password::Hasher;
pub use sessions::SessionLimits;
use sessions::Sessions;
use throttle::Throttle;

use crate::clock::now_ms;

/// Why an account could not be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no account {0:?}")]
    Unknown(String),
    /// The name is taken.
    #[error("there is an account {0:?} already")]
    Exists(String),
    /// The account has no such token.
    #[error("the account has no token {0:?}")]
    UnknownToken(String),
    /// Nobody could manage accounts any more.
    #[error("{0:?} is the last enabled account with the role `admin`")]
    LastAdmin(String),
    /// A name or the roles are not as they must be.
    #[error("{0}")]
    Invalid(String),
    /// The password breaks a rule.
    #[error("{0}")]
    WeakPassword(String),
    /// Name or password is wrong, or the account cannot log in.
    #[error("name or password is wrong, or the account is disabled")]
    WrongPassword,
    /// Too many attempts failed: the next one is accepted after this time.
    #[error("too many attempts failed; wait {} s", .0.as_secs() + 1)]
    Throttled(Duration),
    /// Too many logins at once.
    #[error("too many logins at once")]
    Busy,
    /// The accounts file could not be written: nothing changed.
    #[error("the accounts file could not be written: {0}")]
    File(#[source] io::Error),
}

/// The accounts file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its content is not as it must be.
    #[error("{}:\n  - {}", .file.display(), .problems.join("\n  - "))]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

/// How a request showed whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// With the session of this digest, which ends after this time at the latest.
    Session(Hash, Duration),
    /// With the account's token of this name.
    Token(String),
}

/// An account in use.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) account: Arc<Account>,
    /// What this login may do: of the account's roles.
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) by: Credential,
}

/// A session that has begun.
pub(crate) struct NewSession {
    pub(crate) token: String,
    pub(crate) login: Login,
}

/// All accounts of a node. Clones share everything.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    file: PathBuf,
    book: RwLock<Arc<Book>>,
    /// Held while the book is changed, so that changes follow each other.
    changing: Mutex<()>,
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    hasher: Hasher,
    limits: SessionLimits,
}

/// The sessions of an account that a change ends, but for one.
struct End<'a> {
    account: &'a str,
    kept: Option<Hash>,
}

impl Accounts {
    /// Writes a new accounts file (mode 0600), for a node that is being set up.
    ///
    /// # Errors
    /// If an account is not as it must be, or the file cannot be written.
    pub fn create(file: &Path, accounts: Vec<Account>) -> Result<(), AccountError> {
        let invalid = |problems: Vec<String>| AccountError::Invalid(problems.join("; "));
        let book = Book::new(accounts).map_err(invalid)?;
        file::replace(file, &book.to_json()).map_err(AccountError::File)
    }

    /// The accounts of `file`, which this process owns from now on.
    ///
    /// # Errors
    /// If the file cannot be read; with everything that is wrong with it.
    pub fn open(file: &Path, limits: SessionLimits) -> Result<Accounts, OpenError> {
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|error| OpenError::Unreadable { file: file.into(), error })?;
        let book = Book::from_json(&text)
            .map_err(|problems| OpenError::Malformed { file: file.into(), problems })?;
        Ok(Accounts(Arc::new(Shared {
            file: file.into(),
            book: RwLock::new(Arc::new(book)),
            changing: Mutex::default(),
            sessions: Mutex::new(Sessions::new(limits)),
            throttle: Mutex::default(),
            hasher: Hasher::new(),
            limits,
        })))
    }

    /// Whose bearer token this is, if it is in force.
    pub(crate) fn authenticate(&self, token: &str) -> Option<Login> {
        let digest = token_digest(token);
        let session = lock(&self.0.sessions).touch(&digest, Instant::now());
        let book = self.0.book();
        if let Some((name, rest)) = session {
            let account = book.get(&name).filter(|account| !account.disabled)?.clone();
            let (roles, by) = (account.roles.clone(), Credential::Session(digest, rest));
            return Some(Login { account, roles, by });
        }
        let (account, token) = book.token(&digest).filter(|(account, _)| !account.disabled)?;
        if token.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms()) {
            return None;
        }
        let roles: BTreeSet<_> = token.roles.intersection(&account.roles).copied().collect();
        let by = Credential::Token(token.name.clone());
        (!roles.is_empty()).then(|| Login { account: account.clone(), roles, by })
    }

    /// Begins a session.
    ///
    /// # Errors
    /// `WrongPassword`, `Throttled` or `Busy`. Unknown names, disabled accounts and accounts without
    /// a password are answered like wrong passwords, after as long.
    pub(crate) async fn log_in(
        &self,
        name: &str,
        password: Zeroizing<String>,
        source: IpAddr,
    ) -> Result<NewSession, AccountError> {
        let stored = self.0.prove(name, password, source).await?;
        let mut sessions = lock(&self.0.sessions);
        // A new password takes its place in the book before it ends sessions, so either it is seen
        // here or it ends this one.
        let book = self.0.book();
        let account = book.get(name).filter(|a| a.password.as_deref() == Some(stored.as_str()));
        let account = account.ok_or(AccountError::WrongPassword)?.clone();
        let (token, rest) = sessions.begin(name, Instant::now());
        let by = Credential::Session(token_digest(&token), rest);
        Ok(NewSession { token, login: Login { roles: account.roles.clone(), account, by } })
    }

    /// Ends a session.
    pub(crate) fn log_out(&self, session: &Hash) {
        lock(&self.0.sessions).end(session);
    }

    /// How long a session may be idle.
    pub(crate) fn idle_limit(&self) -> Duration {
        self.0.limits.idle
    }

    /// Whether there is an account of this name.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.0.book().get(name).is_some()
    }

    /// All accounts by name.
    pub(crate) fn list(&self) -> Vec<Arc<Account>> {
        self.0.book().iter().cloned().collect()
    }

    /// An account.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Account>, AccountError> {
        let account = self.0.book().get(name).cloned();
        account.ok_or_else(|| AccountError::Unknown(name.to_owned()))
    }

    /// Adds an account.
    pub(crate) async fn add(
        &self,
        name: &str,
        roles: BTreeSet<Role>,
        password: Option<Zeroizing<String>>,
    ) -> Result<(), AccountError> {
        let mut account = Account::new(name, roles)?;
        if let Some(password) = password {
            account.password = Some(self.0.new_hash(name, password).await?);
        }
        self.change(None, move |book| book.add(account)).await
    }

    /// Gives an account other roles.
    pub(crate) async fn set_roles(
        &self,
        name: &str,
        roles: BTreeSet<Role>,
    ) -> Result<(), AccountError> {
        self.change_one(name, None, |account| {
            account.roles = roles;
            Ok(())
        })
        .await
    }

    /// Disables an account, which ends its sessions, or enables it again.
    pub(crate) async fn set_disabled(
        &self,
        name: &str,
        disabled: bool,
    ) -> Result<(), AccountError> {
        let end = disabled.then_some(End { account: name, kept: None });
        self.change_one(name, end, move |account| {
            account.disabled = disabled;
            Ok(())
        })
        .await
    }

    /// Gives an account another password, which ends its sessions.
    pub(crate) async fn reset_password(
        &self,
        name: &str,
        password: Zeroizing<String>,
    ) -> Result<(), AccountError> {
        self.get(name)?;
        self.put_password(name, password, None).await
    }

    /// Lets the owner of an account change its password, which ends its other sessions.
    pub(crate) async fn change_password(
        &self,
        login: &Login,
        source: IpAddr,
        old: Zeroizing<String>,
        new: Zeroizing<String>,
    ) -> Result<(), AccountError> {
        let name = login.account.name();
        password::check(name, &new)?;
        self.0.prove(name, old, source).await?;
        let kept = match &login.by {
            Credential::Session(digest, _) => Some(*digest),
            Credential::Token(_) => None,
        };
        self.put_password(name, new, kept).await
    }

    async fn put_password(
        &self,
        name: &str,
        password: Zeroizing<String>,
        kept: Option<Hash>,
    ) -> Result<(), AccountError> {
        let hash = self.0.new_hash(name, password).await?;
        self.change_one(name, Some(End { account: name, kept }), |account| {
            account.password = Some(hash);
            Ok(())
        })
        .await
    }

    /// Gives an account a token; its text is told this once. `lives` is how long it is good, for
    /// ever if absent.
    pub(crate) async fn add_token(
        &self,
        account: &str,
        name: &str,
        roles: BTreeSet<Role>,
        lives: Option<Duration>,
    ) -> Result<(String, ApiToken), AccountError> {
        let lives_ms = lives.map(|lives| lives.as_millis() as u64);
        let (token, kept) = ApiToken::new(name, roles, now_ms(), lives_ms);
        self.change_one(account, None, move |account| {
            if !kept.roles.is_subset(&account.roles) {
                let rule = "a token's roles must be among the account's".to_owned();
                return Err(AccountError::Invalid(rule));
            }
            account.add_token(kept.clone())?;
            Ok((token, kept))
        })
        .await
    }

    /// Revokes a token.
    pub(crate) async fn revoke_token(&self, account: &str, name: &str) -> Result<(), AccountError> {
        let name = name.to_owned();
        self.change_one(account, None, move |account| {
            let before = account.tokens.len();
            account.tokens.retain(|token| token.name != name);
            if account.tokens.len() == before {
                return Err(AccountError::UnknownToken(name));
            }
            Ok(())
        })
        .await
    }

    async fn change_one<T: Send + 'static>(
        &self,
        name: &str,
        end: Option<End<'_>>,
        change: impl FnOnce(&mut Account) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let name = name.to_owned();
        self.change(end, move |book| book.change(&name, change)).await
    }

    /// Changes the book: on disk, then in force, then sessions end. Runs to its end even if the
    /// request is given up.
    async fn change<T: Send + 'static>(
        &self,
        end: Option<End<'_>>,
        change: impl FnOnce(&mut Book) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let shared = self.0.clone();
        let end = end.map(|End { account, kept }| (account.to_owned(), kept));
        let work = move || {
            let _turn = lock(&shared.changing);
            let mut book = Book::clone(&shared.book());
            let done = change(&mut book)?;
            file::replace(&shared.file, &book.to_json()).map_err(AccountError::File)?;
            *shared.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
            if let Some((account, kept)) = end {
                lock(&shared.sessions).end_others(&account, kept.as_ref());
            }
            Ok(done)
        };
        tokio::task::spawn_blocking(work).await.expect("changing accounts does not panic")
    }
}

impl Shared {
    fn book(&self) -> Arc<Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn new_hash(
        &self,
        name: &str,
        password: Zeroizing<String>,
    ) -> Result<String, AccountError> {
        password::check(name, &password)?;
        Ok(self.hasher.place()?.hash(password).await)
    }

    /// Checks that `password` is the account's, throttled; gives its stored hash.
    async fn prove(
        &self,
        name: &str,
        password: Zeroizing<String>,
        source: IpAddr,
    ) -> Result<String, AccountError> {
        // First the place: an attempt that is not made must not count as failed.
        let place = self.hasher.place()?;
        let begun = lock(&self.throttle).begin(name, source, Instant::now());
        begun.map_err(AccountError::Throttled)?;
        let book = self.book();
        let account = book.get(name).filter(|account| !account.disabled);
        let stored = account.and_then(|account| account.password.clone());
        if !place.matches(password, stored.clone()).await {
            return Err(AccountError::WrongPassword);
        }
        lock(&self.throttle).succeeded(name, source);
        stored.ok_or(AccountError::WrongPassword)
    }
}

/// What these locks guard is whole at every moment, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
