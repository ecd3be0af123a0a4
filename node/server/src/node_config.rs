//! Configuration of one node: `node.toml` in the node's directory.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use precinto_api::SessionLimits;
use precinto_protocol::identity::NodeId;
use toml::Table;

use crate::{
    fields::{Fields, Problems},
    logging::{LogFormat, LogLevel},
    node::endorse::Rules,
    settings::Layered,
};

/// Name of the configuration file in a node's directory.
pub const NODE_FILE: &str = "node.toml";

/// File with the accounts in a node's directory; the running node owns it.
pub const USERS_FILE: &str = "users.json";

/// Directory of the audit trail in a node's directory.
pub const AUDIT_DIRECTORY: &str = "audit";
/// File with the webhooks in a node's directory; the running node owns it.
pub const WEBHOOKS_FILE: &str = "webhooks.json";

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
    pub users: PathBuf,
    /// Webhooks: whom the node tells by itself.
    pub webhooks: PathBuf,
    /// Directory of the audit trail.
    pub audit: PathBuf,
    /// How long logins live (table `sessions`).
    pub sessions: SessionLimits,
    /// Address of the reverse proxy whose `X-Forwarded-For` is believed (`trusted_proxy`).
    pub trusted_proxy: Option<IpAddr>,
    /// Form of log lines.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: LogLevel,
    /// Room that is kept free on the disk of `data`, in bytes.
    pub disk_reserve: u64,
    /// Whether `/metrics` answers without a token to clients on this machine.
    pub metrics_open_on_loopback: bool,
    /// What the node does not endorse.
    pub endorsement: Rules,
}

/// Bytes in the unit of `disk.reserve_mib`.
const MIB: u64 = 1024 * 1024;

/// Least reserve, in MiB: what the databases hold in memory and may have to write at once.
const LEAST_RESERVE_MIB: u64 = 64;

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
        let mut fields = Fields::new(Layered::new(table).table, "", &mut problems);
        let node = fields.number("node", 1);
        let mut path = |name| fields.text(name).map(|text| base.join(text));
        let (genesis, data, code, keys) =
            (path("genesis"), path("data"), path("code"), path("keys"));
        let (p2p, api) = (fields.parsed("p2p"), fields.parsed("api"));
        let sections = ["sessions", "endorsement", "log", "disk", "metrics"]
            .map(|name| fields.table(name).unwrap_or_default());
        let trusted_proxy = trusted_proxy(&mut fields);
        fields.finish();
        let [sessions, endorsement, log, disk, metrics] = sections;
        let sessions = session_limits(Fields::new(sessions, "sessions", &mut problems));
        let mut fields = Fields::new(log, "log", &mut problems);
        let (log_format, log_level) = (fields.parsed("format"), fields.parsed("level"));
        fields.finish();
        let mut fields = Fields::new(disk, "disk", &mut problems);
        let reserve_mib = fields.number("reserve_mib", LEAST_RESERVE_MIB);
        fields.finish();
        let mut fields = Fields::new(metrics, "metrics", &mut problems);
        let open_on_loopback = fields.flag("open_on_loopback");
        fields.finish();
        let endorsement = Rules::read(endorsement, &mut problems);
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
                users: base.join(USERS_FILE),
                webhooks: base.join(WEBHOOKS_FILE),
                audit: base.join(AUDIT_DIRECTORY),
                sessions: sessions?,
                trusted_proxy: trusted_proxy?,
                log_format: log_format?,
                log_level: log_level?,
                disk_reserve: reserve_mib?.saturating_mul(MIB),
                metrics_open_on_loopback: open_on_loopback?,
                endorsement,
            })
        })();
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

/// The configuration in force in `file`, each setting with its meaning and origin.
///
/// # Errors
/// As [`NodeConfig::read`].
pub fn explain(file: &Path) -> Result<String, Problems> {
    NodeConfig::read(file)?;
    let problem = |error: &dyn std::fmt::Display| Problems::one(file, error.to_string());
    let text = std::fs::read_to_string(file).map_err(|error| problem(&error))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| problem(&error))?;
    Ok(Layered::new(table).explain(NODE_FILE))
}

fn session_limits(mut fields: Fields<'_>) -> Option<SessionLimits> {
    let mut minutes = |name| Some(Duration::from_secs(fields.number(name, 1)?.saturating_mul(60)));
    let (idle, absolute) = (minutes("idle_minutes"), minutes("minutes"));
    fields.finish();
    Some(SessionLimits { idle: idle?, absolute: absolute? })
}

/// An empty text stands for none.
fn trusted_proxy(fields: &mut Fields<'_>) -> Option<Option<IpAddr>> {
    let text = fields.text("trusted_proxy")?;
    if text.is_empty() {
        return Some(None);
    }
    match text.parse() {
        Ok(address) => Some(Some(address)),
        Err(error) => {
            fields.problem("trusted_proxy", format_args!("{text:?}: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fields::damage::harmed;

    const GOOD: &str = r#"
        node = 1
        genesis = "genesis.cbor"
        data = "data"
        code = "code"
        keys = "keys"
        p2p = "127.0.0.1:7701"
        api = "127.0.0.1:8701"
    "#;

    proptest! {
        /// Whatever is wrong with a file is a problem that is told, never a panic.
        #[test]
        fn a_harmed_file_is_read_or_has_problems(text in harmed(&every_setting())) {
            if let Err(problems) = NodeConfig::parse(&text, Path::new("/x")) {
                prop_assert!(!problems.is_empty());
            }
        }
    }

    fn every_setting() -> String {
        let tables = "trusted_proxy = \"127.0.0.1\"\n[sessions]\nidle_minutes = 5\nminutes = 60\n[log]\n\
                      format = \"json\"\nlevel = \"info\"\n[disk]\nreserve_mib = 64\n[metrics]\n\
                      open_on_loopback = true\n[endorsement]\nrefuse = [\"aeo.annul\"]\n";
        format!("{GOOD}\n{tables}")
    }

    #[test]
    fn a_good_file_is_read() {
        let config = NodeConfig::parse(GOOD, Path::new("/x")).unwrap();
        assert_eq!(config.data, Path::new("/x/data"));
        assert_eq!(config.api.port(), 8701);
        assert_eq!(config.users, Path::new("/x/users.json"));
        assert_eq!((config.sessions, config.trusted_proxy), (SessionLimits::default(), None));
        let more = format!("{GOOD}\ntrusted_proxy = \"127.0.0.1\"\n[sessions]\nidle_minutes = 5");
        let config = NodeConfig::parse(&more, Path::new("/x")).unwrap();
        assert_eq!(config.sessions.idle, Duration::from_secs(300));
        assert!(config.trusted_proxy.is_some_and(|proxy| proxy.is_loopback()));
    }

    #[test]
    fn what_the_file_does_not_say_has_its_default() {
        let config = NodeConfig::parse(GOOD, Path::new("")).unwrap();
        assert_eq!((config.log_format, config.disk_reserve), (LogFormat::Text, 256 * MIB));
        let said = GOOD.to_owned() + "[disk]\nreserve_mib = 64\n[log]\nformat = \"json\"\n";
        let config = NodeConfig::parse(&said, Path::new("")).unwrap();
        assert_eq!((config.log_format, config.disk_reserve), (LogFormat::Json, 64 * MIB));
    }

    #[test]
    fn mistakes_in_tables_are_named_with_their_place() {
        let bad = "[log]\nformat = \"xml\"\nlevel = \"loud=very\"\nlevle = 1\n[disk]\nreserve_mib = 1\n\
                   [metrics]\nopen_on_loopback = \"yes\"\n";
        let problems = NodeConfig::parse(&(GOOD.to_owned() + bad), Path::new("")).unwrap_err();
        let begins = [
            "log.format: \"xml\"",
            "log.level: \"loud=very\"",
            "log.levle: unknown field; did you mean `level`?",
            "disk.reserve_mib: expected a number of at least 64",
            "metrics.open_on_loopback: expected true or false",
        ];
        assert_eq!(problems.len(), begins.len(), "{problems:?}");
        for (problem, begin) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begin), "{problem}");
        }
    }

    #[test]
    fn three_mistakes_are_three_problems() {
        let bad = GOOD.replace("node = 1", "node = 0").replace("127.0.0.1:8701", "localhost")
            + "[sessions]\nminutes = 0";
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("node: expected a number"));
        assert!(problems[1].starts_with("api: \"localhost\""));
        assert!(problems[2].starts_with("sessions.minutes: expected"), "{}", problems[2]);
    }

    #[test]
    fn bad_rules_of_endorsement_are_named() {
        let rules = "[endorsement]\nrefuse = [\"aeo.annul\", \"aeo\", 3]\nallow = []\n";
        let problems = NodeConfig::parse(&(GOOD.to_owned() + rules), Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("endorsement.refuse[1]: \"aeo\": expected contract"));
        assert_eq!(problems[1], "endorsement.refuse[2]: expected a text");
        assert_eq!(problems[2], "endorsement.allow: unknown field");
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        let bad = GOOD.replace("data = ", "date = ");
        let problems = NodeConfig::parse(&bad, Path::new("")).unwrap_err();
        assert_eq!(problems, ["data: missing", "date: unknown field; did you mean `data`?"]);
    }
}
