//! Configuration of one node: `node.toml` in the node's directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use precinto_api::{AccountConfig, Accounts};
use precinto_protocol::identity::NodeId;
use toml::Table;

use crate::fields::{Fields, Problems};

/// Name of the configuration file in a node's directory.
pub const NODE_FILE: &str = "node.toml";

/// Name of the list of nodes beside it that a node which joins is given.
pub const CONTACTS_FILE: &str = "nodes.cbor";

/// A node's configuration. Relative paths in the file are relative to the file.
#[derive(Debug)]
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
    /// The nodes that one which joins was told of, beside the file; need not exist.
    pub contacts: PathBuf,
    /// Where peers connect.
    pub p2p: SocketAddr,
    /// Where clients connect.
    pub api: SocketAddr,
    /// Local accounts of the administration's own staff.
    pub accounts: Accounts,
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
        let (genesis, data, code, keys) =
            (path("genesis"), path("data"), path("code"), path("keys"));
        let (p2p, api) = (fields.parsed("p2p"), fields.parsed("api"));
        let tables = fields.tables("accounts");
        fields.finish();
        let accounts = accounts(tables, &mut problems);
        let config = (|| {
            Some(NodeConfig {
                node: node?,
                genesis: genesis?,
                data: data?,
                code: code?,
                keys: keys?,
                contacts: base.join(CONTACTS_FILE),
                p2p: p2p?,
                api: api?,
                accounts: accounts?,
            })
        })();
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

fn accounts(tables: Vec<Table>, problems: &mut Vec<String>) -> Option<Accounts> {
    let mut configs: Vec<AccountConfig> = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        match table.try_into() {
            Ok(config) => configs.push(config),
            Err(error) => problems.push(format!("accounts[{index}]: {}", error.message())),
        }
    }
    Accounts::from_config(&configs).map_err(|found| problems.extend(found)).ok()
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
        roles = ["officer", "auditor"]
        token_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        pseudonym_seed = "0000000000000000000000000000000000000000000000000000000000000001"
    "#;

    #[test]
    fn a_good_file_is_read() {
        let config = NodeConfig::parse(GOOD, Path::new("/x")).unwrap();
        assert_eq!(config.data, Path::new("/x/data"));
        assert_eq!(config.api.port(), 8701);
    }

    #[test]
    fn three_mistakes_are_three_problems() {
        let bad = GOOD
            .replace("node = 1", "node = 0")
            .replace("127.0.0.1:8701", "localhost")
            .replace(r#""auditor""#, r#""boss""#);
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("node: expected a number"));
        assert!(problems[1].starts_with("api: \"localhost\""));
        assert!(problems[2].contains("boss"), "{}", problems[2]);
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        let bad = GOOD.replace("data = ", "date = ");
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems, ["data: missing", "date: unknown field"]);
    }
}
