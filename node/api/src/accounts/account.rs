//! One account, as it stands in the accounts file.

use std::{collections::BTreeSet, fmt};

use precinto_protocol::{
    hash::{Hash, sha256, tagged},
    identity::Role,
    statement::OnBehalf,
};
use serde::{Deserialize, Serialize};

use super::AccountError;

/// Longest name of an account or token, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// Tokens of one account: a token per program, and nobody runs more than a few.
const MAX_TOKENS: usize = 16;

/// What is stored of a bearer token: its SHA-256. A token has 256 random bits, so no slow hash is
/// needed.
pub fn token_digest(token: &str) -> Hash {
    sha256(&[token.as_bytes()])
}

/// A new bearer token: 256 random bits, as 64 hexadecimal characters.
pub(crate) fn new_token() -> String {
    hex::encode(random_bytes::<32>())
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot run a node");
    bytes
}

/// A person or program that may use this node's interface.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub(super) name: String,
    #[serde(with = "role_names")]
    pub(super) roles: BTreeSet<Role>,
    #[serde(default)]
    pub(super) disabled: bool,
    /// Argon2id in PHC string format; absent while no password was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(default)]
    pub(super) tokens: Vec<ApiToken>,
    #[serde(with = "hash_text")]
    pseudonym_seed: Hash,
}

/// A long-lived bearer token of an account, for programs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    /// For people, unique within the account.
    pub(crate) name: String,
    #[serde(with = "hash_text")]
    pub(super) sha256: Hash,
    /// What the token may do: of the account's roles.
    #[serde(with = "role_names")]
    pub(crate) roles: BTreeSet<Role>,
    /// When it was made, milliseconds since 1970.
    pub(crate) created_ms: u64,
    /// When it ends, milliseconds since 1970; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_ms: Option<u64>,
}

impl Account {
    /// A new account without password and tokens. The seed of its pseudonyms is drawn here and
    /// never changes: without it past actions can no longer be attributed within the member.
    ///
    /// # Errors
    /// `account-invalid`.
    pub fn new(name: &str, roles: BTreeSet<Role>) -> Result<Account, AccountError> {
        let account = Account {
            name: name.to_owned(),
            roles,
            disabled: false,
            password: None,
            tokens: Vec::new(),
            pseudonym_seed: Hash(random_bytes()),
        };
        account.check()?;
        Ok(account)
    }

    /// Its name, unique at this node.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it a token.
    ///
    /// # Errors
    /// `account-invalid` if the token's name or roles are not as they must be.
    pub fn add_token(&mut self, token: ApiToken) -> Result<(), AccountError> {
        if self.tokens.iter().any(|other| other.name == token.name) {
            let detail = format!("the account has a token {:?}: revoke it first", token.name);
            return Err(AccountError::Invalid(detail));
        }
        self.tokens.push(token);
        self.check()
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

    /// What it may do.
    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// Whether it cannot be used.
    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Whether it can log in.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Its tokens.
    pub(crate) fn tokens(&self) -> &[ApiToken] {
        &self.tokens
    }

    /// Whether it can use the role `admin` now.
    pub(super) fn administers(&self) -> bool {
        !self.disabled && self.roles.contains(&Role::Admin)
    }

    pub(super) fn check(&self) -> Result<(), AccountError> {
        let invalid = |detail: String| Err(AccountError::Invalid(detail));
        let name = &self.name;
        check_name(name)?;
        check_roles(&self.roles).or_else(|rule| invalid(format!("account {name}: {rule}")))?;
        if self.tokens.len() > MAX_TOKENS {
            return invalid(format!("account {name}: at most {MAX_TOKENS} tokens"));
        }
        for token in &self.tokens {
            check_name(&token.name)?;
            check_roles(&token.roles)
                .or_else(|rule| invalid(format!("token {}: {rule}", token.name)))?;
        }
        Ok(())
    }
}

impl ApiToken {
    /// A new token and what is kept of it. `lives_ms` is how long it is good, for ever if absent.
    pub fn new(
        name: &str,
        roles: BTreeSet<Role>,
        now_ms: u64,
        lives_ms: Option<u64>,
    ) -> (String, ApiToken) {
        let token = new_token();
        let kept = ApiToken {
            name: name.to_owned(),
            sha256: token_digest(&token),
            roles,
            created_ms: now_ms,
            expires_ms: lives_ms.map(|lives| now_ms.saturating_add(lives)),
        };
        (token, kept)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, {:?})", self.name, self.roles)
    }
}

/// Names stand in paths, logs and tables: letters, digits and `._-`.
fn check_name(name: &str) -> Result<(), AccountError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let only_dots = name.bytes().all(|byte| byte == b'.');
    if name.len() > MAX_NAME_BYTES || only_dots || !name.bytes().all(good) {
        let rule = format!(
            "a name has 1 to {MAX_NAME_BYTES} letters, digits, dots, hyphens and underscores"
        );
        return Err(AccountError::Invalid(rule));
    }
    Ok(())
}

fn check_roles(roles: &BTreeSet<Role>) -> Result<(), &'static str> {
    if roles.is_empty() {
        return Err("at least one role");
    }
    if roles.contains(&Role::Node) {
        return Err("no account is a node");
    }
    Ok(())
}

/// A hash as 64 hexadecimal characters.
mod hash_text {
    use precinto_protocol::hash::Hash;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hash.to_hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Roles by name.
pub(crate) mod role_names {
    use std::collections::BTreeSet;

    use precinto_protocol::identity::Role;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        roles: &BTreeSet<Role>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(roles.iter().map(|role| role.name()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeSet<Role>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Account {
        Account::new(name, BTreeSet::from([Role::Officer])).unwrap()
    }

    #[test]
    fn pseudonyms_differ_between_accounts_and_channels() {
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        let (ana, beto) = (account("ana"), account("beto"));
        assert_eq!(ana.on_behalf(Role::Officer, &one), ana.on_behalf(Role::Officer, &one));
        assert_ne!(ana.on_behalf(Role::Officer, &one), ana.on_behalf(Role::Officer, &two));
        assert_ne!(ana.on_behalf(Role::Officer, &one), beto.on_behalf(Role::Officer, &one));
    }

    #[test]
    fn names_that_would_break_paths_or_logs_are_refused() {
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for bad in ["", ".", "..", "a b", "a/b", "a\nb", "ñ", &long] {
            assert!(Account::new(bad, BTreeSet::from([Role::Officer])).is_err(), "{bad:?}");
        }
        account("ana.perez_2-b");
    }

    #[test]
    fn an_account_has_roles_but_never_a_nodes() {
        assert!(Account::new("ana", BTreeSet::new()).is_err());
        assert!(Account::new("ana", BTreeSet::from([Role::Officer, Role::Node])).is_err());
    }
}
