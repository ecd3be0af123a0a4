//! All accounts of a node, and the changes that may be made to them.

use std::{collections::BTreeMap, sync::Arc};

use precinto_protocol::hash::Hash;
use serde::{Deserialize, Serialize};

use super::{Account, AccountError, ApiToken};

/// Accounts of one node: more than any customs administration has people at one.
const MAX_ACCOUNTS: usize = 10_000;

/// Version of the file's format.
const VERSION: u32 = 1;

/// The accounts file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    accounts: Vec<Account>,
}

/// The accounts by name, and their tokens by digest. A changed copy takes the place of the old one
/// once it is on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    accounts: BTreeMap<String, Arc<Account>>,
    /// Whose token it is. Looked up by digest: an attacker cannot choose digests, so the time it
    /// takes tells nothing.
    tokens: BTreeMap<Hash, String>,
}

impl Book {
    /// Of checked accounts.
    ///
    /// # Errors
    /// Everything that is wrong with them, in words.
    pub(super) fn new(accounts: Vec<Account>) -> Result<Book, Vec<String>> {
        let mut problems = Vec::new();
        let mut book = Book::default();
        for account in accounts {
            if let Err(error) = account.check() {
                problems.push(error.to_string());
            }
            for token in &account.tokens {
                if book.tokens.insert(token.sha256, account.name.clone()).is_some() {
                    problems.push(format!("account {}: a token is used twice", account.name));
                }
            }
            let name = account.name.clone();
            if book.accounts.insert(name.clone(), Arc::new(account)).is_some() {
                problems.push(format!("account {name}: the name is used twice"));
            }
        }
        if book.accounts.len() > MAX_ACCOUNTS {
            problems.push(format!("more than {MAX_ACCOUNTS} accounts"));
        }
        if problems.is_empty() { Ok(book) } else { Err(problems) }
    }

    /// Reads the text of an accounts file.
    pub(super) fn from_json(text: &str) -> Result<Book, Vec<String>> {
        let form: Form = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
        if form.version != VERSION {
            return Err(vec![format!("version {} is not {VERSION}", form.version)]);
        }
        Book::new(form.accounts)
    }

    /// The text of an accounts file.
    pub(super) fn to_json(&self) -> String {
        let accounts = self.accounts.values().map(|account| Account::clone(account)).collect();
        let form = Form { version: VERSION, accounts };
        let mut text = serde_json::to_string_pretty(&form).expect("plain fields have JSON");
        text.push('\n');
        text
    }

    /// An account by name.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Account>> {
        self.accounts.get(name)
    }

    /// All accounts by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// A token and its account, by the token's digest.
    pub(super) fn token(&self, digest: &Hash) -> Option<(&Arc<Account>, &ApiToken)> {
        let account = self.accounts.get(self.tokens.get(digest)?)?;
        let token = account.tokens.iter().find(|token| token.sha256 == *digest)?;
        Some((account, token))
    }

    /// With a further account.
    pub(super) fn add(&mut self, account: Account) -> Result<(), AccountError> {
        if self.accounts.contains_key(&account.name) {
            return Err(AccountError::Exists(account.name));
        }
        if self.accounts.len() >= MAX_ACCOUNTS {
            return Err(AccountError::Invalid(format!("at most {MAX_ACCOUNTS} accounts")));
        }
        self.accounts.insert(account.name.clone(), Arc::new(account));
        Ok(())
    }

    /// With a change to one account. The last account that administers stays one.
    pub(super) fn change<T>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Account) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let account = self.accounts.get_mut(name);
        let account = account.ok_or_else(|| AccountError::Unknown(name.to_owned()))?;
        let account = Arc::make_mut(account);
        let administered = account.administers();
        let changed = change(account)?;
        account.check()?;
        let ceased = administered && !account.administers();
        self.tokens.retain(|_, owner| owner != name);
        let tokens = self.accounts[name].tokens.iter();
        self.tokens.extend(tokens.map(|token| (token.sha256, name.to_owned())));
        if ceased && !self.accounts.values().any(|account| account.administers()) {
            return Err(AccountError::LastAdmin(name.to_owned()));
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use precinto_protocol::identity::Role;

    use super::*;
    use crate::accounts::token_digest;

    fn account(name: &str, role: Role) -> (Account, String) {
        let mut account = Account::new(name, BTreeSet::from([role])).unwrap();
        let (token, kept) = ApiToken::new("first", account.roles.clone(), 5, None);
        account.add_token(kept).unwrap();
        (account, token)
    }

    #[test]
    fn a_file_round_trips_and_a_token_finds_its_account_and_no_other() {
        let ((ana, _), (beto, token)) =
            (account("ana", Role::Officer), account("beto", Role::Admin));
        let book = Book::new(vec![ana, beto]).unwrap();
        let read = Book::from_json(&book.to_json()).unwrap();
        let (found, kept) = read.token(&token_digest(&token)).unwrap();
        assert_eq!((found.name(), kept.name.as_str()), ("beto", "first"));
        assert!(read.token(&token_digest("")).is_none());
        assert!(!read.to_json().contains(&token), "only digests are stored");
    }

    #[test]
    fn every_mistake_of_a_file_is_reported_at_once() {
        let (mut ana, _) = account("ana", Role::Officer);
        ana.roles.clear();
        let again = ana.clone();
        let problems = Book::new(vec![ana, again]).unwrap_err().join("\n");
        for expected in ["at least one role", "name is used twice", "token is used twice"] {
            assert!(problems.contains(expected), "{expected} missing in {problems}");
        }
        assert!(Book::from_json("{\"version\":2,\"accounts\":[]}").is_err());
        assert!(Book::from_json("{\"version\":1,\"accounts\":[],\"more\":1}").is_err());
    }

    #[test]
    fn the_last_enabled_admin_stays_one() {
        let (mut eva, _) = account("eva", Role::Admin);
        eva.disabled = true;
        let mut book = Book::new(vec![account("ana", Role::Admin).0, eva]).unwrap();
        let disable = |account: &mut Account| {
            account.disabled = true;
            Ok(())
        };
        let officer = |account: &mut Account| {
            account.roles = BTreeSet::from([Role::Officer]);
            Ok(())
        };
        assert!(matches!(book.clone().change("ana", disable), Err(AccountError::LastAdmin(_))));
        assert!(matches!(book.clone().change("ana", officer), Err(AccountError::LastAdmin(_))));
        let enable = |account: &mut Account| {
            account.disabled = false;
            Ok(())
        };
        book.change("eva", enable).unwrap();
        book.change("ana", disable).unwrap();
    }

    #[test]
    fn a_revoked_token_is_nobodys() {
        let (ana, token) = account("ana", Role::Officer);
        let mut book = Book::new(vec![ana]).unwrap();
        let revoke = |account: &mut Account| {
            account.tokens.clear();
            Ok(())
        };
        book.change("ana", revoke).unwrap();
        assert!(book.token(&token_digest(&token)).is_none());
    }
}
