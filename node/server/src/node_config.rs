//! Configuration of one node: `node.toml` in the node's directory.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use precinto_api::SessionLimits;
use precinto_protocol::identity::NodeId;
use toml::Table;

use crate::fields::{Fields, Problems};

/// Name of the configuration file in a node's directory.
pub const NODE_FILE: &str = "node.toml";

/// File with the accounts in a node's directory; the running node owns it.
pub const USERS_FILE: &str = "users.json";

/// Directory of the audit trail in a node's directory.
pub const AUDIT_DIRECTORY: &str = "audit";

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
    /// Where peers connect.
    pub p2p: SocketAddr,
    /// Where clients connect.
    pub api: SocketAddr,
    /// Local accounts of the administration's own staff.
    pub users: PathBuf,
    /// Directory of the audit trail.
    pub audit: PathBuf,
    /// How long logins live (`session_idle_minutes`, `session_hours`).
    pub sessions: SessionLimits,
    /// Address of the reverse proxy whose `X-Forwarded-For` is believed (`trusted_proxy`).
    pub trusted_proxy: Option<IpAddr>,
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
        let sessions = session_limits(&mut fields);
        let proxy_given = fields.has("trusted_proxy");
        let trusted_proxy = proxy_given.then(|| fields.parsed("trusted_proxy")).flatten();
        fields.finish();
        let config = (|| {
            Some(NodeConfig {
                node: node?,
                genesis: genesis?,
                data: data?,
                code: code?,
                keys: keys?,
                p2p: p2p?,
                api: api?,
                users: base.join(USERS_FILE),
                audit: base.join(AUDIT_DIRECTORY),
                sessions,
                trusted_proxy,
            })
        })();
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

fn session_limits(fields: &mut Fields<'_>) -> SessionLimits {
    let defaults = SessionLimits::default();
    let mut read = |name: &str, unit_s: u64, default| {
        let given = fields.has(name).then(|| fields.number(name, 1)).flatten();
        given.map_or(default, |count| Duration::from_secs(count.saturating_mul(unit_s)))
    };
    SessionLimits {
        idle: read("session_idle_minutes", 60, defaults.idle),
        absolute: read("session_hours", 60 * 60, defaults.absolute),
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
    "#;

    #[test]
    fn a_good_file_is_read() {
        let config = NodeConfig::parse(GOOD, Path::new("/x")).unwrap();
        assert_eq!(config.data, Path::new("/x/data"));
        assert_eq!(config.api.port(), 8701);
        assert_eq!(config.users, Path::new("/x/users.json"));
        assert_eq!((config.sessions, config.trusted_proxy), (SessionLimits::default(), None));
        let more = format!("{GOOD}\nsession_idle_minutes = 5\ntrusted_proxy = \"127.0.0.1\"");
        let config = NodeConfig::parse(&more, Path::new("/x")).unwrap();
        assert_eq!(config.sessions.idle, Duration::from_secs(300));
        assert!(config.trusted_proxy.is_some_and(|proxy| proxy.is_loopback()));
    }

    #[test]
    fn three_mistakes_are_three_problems() {
        let bad = GOOD.replace("node = 1", "node = 0").replace("127.0.0.1:8701", "localhost")
            + "session_hours = 0";
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("node: expected a number"));
        assert!(problems[1].starts_with("api: \"localhost\""));
        assert!(problems[2].starts_with("session_hours: expected"), "{}", problems[2]);
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        let bad = GOOD.replace("data = ", "date = ");
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems, ["data: missing", "date: unknown field"]);
    }
}
