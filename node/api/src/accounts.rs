//! Local accounts: who may use this node's interface, and in which roles. Each member keeps its
//! own; the ledger knows officers by pseudonym alone.

use std::{collections::BTreeSet, fmt, sync::Arc};

use precinto_protocol::{
    hash::{Hash, sha256, tagged},
    identity::Role,
    statement::OnBehalf,
};
use serde::Deserialize;

/// Shortest and longest name of an account, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// An account as it stands in a node's configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// Name for people and logs, unique at this node.
    pub name: String,
    /// Names of roles ([`Role::name`]); not empty, never `node`.
    pub roles: Vec<String>,
    /// [`token_digest`] of its bearer token, 64 hexadecimal characters. The token itself (256
    /// random bits as text) is kept by its owner alone.
    pub token_sha256: String,
    /// 32 random bytes as 64 hexadecimal characters, from which the officer's pseudonym is
    /// derived: keep it, or past actions can no longer be attributed within the member.
    pub pseudonym_seed: String,
}

/// What is stored of a bearer token: its SHA-256. A token has 256 random bits, so no slow hash is
/// needed.
pub fn token_digest(token: &str) -> Hash {
    sha256(&[token.as_bytes()])
}

/// A checked account.
pub struct Account {
    name: String,
    roles: BTreeSet<Role>,
    token: Hash,
    pseudonym_seed: Hash,
}

impl Account {
    /// Name for people and logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the account has `role`.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The account's holder acting as `role`, as the ledger sees it: the pseudonym differs between
    /// channels, so that they cannot be joined on it.
    pub fn on_behalf(&self, role: Role, channel: &Hash) -> OnBehalf {
        let parts = [&self.pseudonym_seed.as_bytes()[..], channel.as_bytes()];
        let digest = tagged("precinto/pseudonym", &parts);
        let mut pseudonym = [0; 16];
        pseudonym.copy_from_slice(&digest.as_bytes()[..16]);
        OnBehalf { pseudonym, role }
    }

    fn check(config: &AccountConfig) -> Result<Account, Vec<String>> {
        let mut problems = Vec::new();
        let name = &config.name;
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            problems.push(format!("account {name:?}: names have 1 to {MAX_NAME_BYTES} bytes"));
        }
        let mut roles = BTreeSet::new();
        for role in &config.roles {
            match role.parse() {
                Ok(Role::Node) => problems.push(format!("account {name:?}: no account is a node")),
                Ok(role) => {
                    roles.insert(role);
                }
                Err(unknown) => problems.push(format!("account {name:?}: {unknown}")),
            }
        }
        if config.roles.is_empty() {
            problems.push(format!("account {name:?}: at least one role"));
        }
        let mut digest = |field: &str, text: &str| {
            text.parse().unwrap_or_else(|error| {
                problems.push(format!("account {name:?}: {field}: {error}"));
                Hash::ZERO
            })
        };
        let token = digest("token_sha256", &config.token_sha256);
        let pseudonym_seed = digest("pseudonym_seed", &config.pseudonym_seed);
        if problems.is_empty() {
            Ok(Account { name: name.clone(), roles, token, pseudonym_seed })
        } else {
            Err(problems)
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, {:?})", self.name, self.roles)
    }
}

/// All accounts of a node.
#[derive(Debug)]
pub struct Accounts(Vec<Arc<Account>>);

impl Accounts {
    /// Checks the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, in words.
    pub fn from_config(configs: &[AccountConfig]) -> Result<Accounts, Vec<String>> {
        let mut problems = Vec::new();
        let mut accounts: Vec<Arc<Account>> = Vec::new();
        for config in configs {
            match Account::check(config) {
                Ok(account) => {
                    if accounts.iter().any(|other| other.name == account.name) {
                        problems.push(format!("account {:?}: the name is used twice", config.name));
                    }
                    let same = |other: &Arc<Account>| {
                        other.token == account.token
                            || other.pseudonym_seed == account.pseudonym_seed
                    };
                    if let Some(other) = accounts.iter().find(|other| same(other)) {
                        problems.push(format!(
                            "account {:?}: token and pseudonym seed must not be those of {:?}",
                            config.name, other.name
                        ));
                    }
                    accounts.push(Arc::new(account));
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Accounts(accounts)) } else { Err(problems) }
    }

    /// The account of a bearer token. Takes the same time whichever account matches, or none.
    pub(crate) fn find(&self, token: &str) -> Option<Arc<Account>> {
        let digest = token_digest(token);
        let mut found = None;
        for account in &self.0 {
            if equal_in_constant_time(&account.token, &digest) {
                found = Some(account.clone());
            }
        }
        found
    }
}

fn equal_in_constant_time(a: &Hash, b: &Hash) -> bool {
    let difference = a.as_bytes().iter().zip(b.as_bytes()).fold(0, |all, (x, y)| all | (x ^ y));
    // Keeps the compiler from leaving the loop at the first difference.
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, token: &str, seed: u8) -> AccountConfig {
        AccountConfig {
            name: name.into(),
            roles: vec!["officer".into()],
            token_sha256: token_digest(token).to_hex(),
            pseudonym_seed: hex::encode([seed; 32]),
        }
    }

    #[test]
    fn a_token_finds_its_account_and_no_other() {
        let accounts =
            Accounts::from_config(&[config("ana", "t1", 1), config("beto", "t2", 2)]).unwrap();
        assert_eq!(accounts.find("t2").unwrap().name(), "beto");
        assert!(accounts.find("t3").is_none());
        assert!(accounts.find("").is_none());
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut bad = config("ana", "t1", 1);
        bad.roles = vec!["chief".into(), "node".into()];
        bad.token_sha256 = "short".into();
        let twice = [config("eva", "t2", 2), config("eva", "t2", 3)];
        let problems =
            Accounts::from_config(&[bad, twice[0].clone(), twice[1].clone()]).unwrap_err();
        let text = problems.join("\n");
        for expected in ["chief", "no account is a node", "token_sha256", "used twice", "those of"]
        {
            assert!(text.contains(expected), "{expected} missing in {text}");
        }
    }

    #[test]
    fn pseudonyms_differ_between_accounts_and_channels() {
        let accounts =
            Accounts::from_config(&[config("ana", "t1", 1), config("beto", "t2", 2)]).unwrap();
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        let ana = accounts.find("t1").unwrap();
        let beto = accounts.find("t2").unwrap();
        assert_eq!(ana.on_behalf(Role::Officer, &one), ana.on_behalf(Role::Officer, &one));
        assert_ne!(ana.on_behalf(Role::Officer, &one), ana.on_behalf(Role::Officer, &two));
        assert_ne!(ana.on_behalf(Role::Officer, &one), beto.on_behalf(Role::Officer, &one));
    }
}
