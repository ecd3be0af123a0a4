//! Configuration of one node: `node.toml` in the node's directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use precinto_protocol::identity::{NodeId, Role};
use toml::Table;

use crate::fields::{Fields, Problems};

/// Name of the configuration file in a node's directory.
pub const NODE_FILE: &str = "node.toml";

/// A node's configuration. Relative paths in the file are relative to the file.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The node's id in genesis.
    pub node: NodeId,
    /// The channel's genesis file.
    pub genesis: PathBuf,
    /// Directory of Raft log and ledger.
    pub data: PathBuf,
    /// Directory of contract modules (`<code hash>.wasm`).
    pub code: PathBuf,
    /// Directory of secret files: `identity.key`, `network.key`, `attestation.key`, `lookup.key`.
    pub keys: PathBuf,
    /// Where peers connect.
    pub p2p: SocketAddr,
    /// Where clients connect.
    pub api: SocketAddr,
    /// Local accounts.
    pub accounts: Vec<AccountConfig>,
}

/// A local account of the administration's own staff.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// Login name, for the administration's own logs.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// SHA-256 of the bearer token.
    pub token_sha256: [u8; 32],
    /// What the ledger calls the account's holder: random, resolvable by the member alone.
    pub pseudonym: [u8; 16],
}

impl NodeConfig {
    /// Reads and checks `file`.
    ///
    /// # Errors
    /// Every problem of the file at once.
    pub fn read(file: &Path) -> Result<NodeConfig, Problems> {
        let text = std::fs::read_to_string(file).map_err(|e| Problems::one(file, e.to_string()))?;
        let base = file.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base).map_err(|problems| match Problems::check(file, problems) {
            Err(problems) => problems,
            Ok(()) => unreachable!("a refused file has problems"),
        })
    }

    fn parse(text: &str, base: &Path) -> Result<NodeConfig, Vec<String>> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| vec![e.to_string()])?;
        let mut problems = Vec::new();
        let mut fields = Fields::new(table, "", &mut problems);
        let node = fields.number("node", 1);
        let mut path = |name| fields.text(name).map(|text| base.join(text));
        let (genesis, data, code, keys) = (path("genesis"), path("data"), path("code"), path("keys"));
        let (p2p, api) = (fields.parsed("p2p"), fields.parsed("api"));
        let tables = fields.tables("accounts");
        fields.finish();
        let accounts: Vec<_> = tables
            .into_iter()
            .enumerate()
            .filter_map(|(index, table)| {
                account(Fields::new(table, format!("accounts[{index}]"), &mut problems))
            })
            .collect();
        let config = (|| {
            Some(NodeConfig {
                node: node?,
                genesis: genesis?,
                data: data?,
                code: code?,
                keys: keys?,
                p2p: p2p?,
                api: api?,
                accounts,
            })
        })();
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

fn account(mut fields: Fields<'_>) -> Option<AccountConfig> {
    let name = fields.text("name");
    let roles = fields.text("roles");
    let roles: Option<Vec<Role>> = roles.and_then(|text| {
        let parsed: Result<Vec<Role>, _> = text.split(',').map(|r| r.trim().parse()).collect();
        parsed.map_err(|error| fields.problem("roles", error)).ok()
    });
    let token_sha256 = hex_field(&mut fields, "token_sha256");
    let pseudonym = hex_field(&mut fields, "pseudonym");
    fields.finish();
    Some(AccountConfig {
        name: name?,
        roles: roles?,
        token_sha256: token_sha256?,
        pseudonym: pseudonym?,
    })
}

fn hex_field<const N: usize>(fields: &mut Fields<'_>, name: &str) -> Option<[u8; N]> {
    let text = fields.text(name)?;
    let mut bytes = [0; N];
    match hex::decode_to_slice(&text, &mut bytes) {
        Ok(()) => Some(bytes),
        Err(_) => {
            fields.problem(name, format_args!("expected {} hexadecimal characters", 2 * N));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        node = 1
        genesis = "genesis.cbor"
        data = "data"
        code = "code"
        keys = "keys"
        p2p = "127.0.0.1:7701"
        api = "127.0.0.1:8701"

        [[accounts]]
        name = "officer"
        roles = "officer, auditor"
        token_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        pseudonym = "00000000000000000000000000000000"
    "#;

    #[test]
    fn a_good_file_is_read() {
        let config = NodeConfig::parse(GOOD, Path::new("/x")).unwrap();
        assert_eq!(config.data, Path::new("/x/data"));
        assert_eq!(config.accounts[0].roles, [Role::Officer, Role::Auditor]);
    }

    #[test]
    fn three_mistakes_are_three_problems() {
        let bad = GOOD
            .replace("node = 1", "node = 0")
            .replace("127.0.0.1:8701", "localhost")
            .replace("officer, auditor", "officer, boss");
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("node: expected a number"));
        assert!(problems[1].starts_with("api: \"localhost\""));
        assert!(problems[2].starts_with("accounts[0].roles: unknown role \"boss\""));
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        let bad = GOOD.replace("data = ", "date = ");
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems, ["data: missing", "date: unknown field"]);
    }
}
