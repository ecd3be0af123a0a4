//! The network file: members, nodes, policies and parameters a network starts with.

use std::{net::SocketAddr, path::Path};

use precinto_protocol::{
    identity::{MemberId, NodeId},
    policy::Policy,
    registry::{MethodPolicy, NodeRole},
};
use toml::Table;

use super::manifest::Manifest;
use crate::fields::{Fields, Problems};

/// A network to be made.
#[derive(Debug)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<MemberConfig>,
    /// Its nodes.
    pub nodes: Vec<NodeEntry>,
    /// Its contracts.
    pub contracts: Vec<ContractConfig>,
    /// Its parameters, sorted by name.
    pub parameters: Vec<(String, u64)>,
}

/// A member of the network.
#[derive(Debug)]
pub struct MemberConfig {
    /// Id.
    pub id: MemberId,
    /// Official name.
    pub name: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

/// A node of the network.
#[derive(Debug)]
pub struct NodeEntry {
    /// Id.
    pub id: NodeId,
    /// The member that runs it.
    pub member: MemberId,
    /// Voter or learner.
    pub role: NodeRole,
    /// Where peers connect.
    pub p2p: SocketAddr,
    /// Where clients connect.
    pub api: SocketAddr,
}

/// A contract of the network.
#[derive(Debug)]
pub struct ContractConfig {
    /// Id.
    pub id: u32,
    /// Name; its module is `<name>.wasm`.
    pub name: String,
    /// Policies, sorted by method.
    pub policies: Vec<MethodPolicy>,
}

impl NetworkConfig {
    /// Reads and checks the form of `file`; what the parts mean together is genesis' to check. The
    /// manifests of its contracts are beside their modules in the directory `modules`.
    ///
    /// # Errors
    /// Every problem of the file at once.
    pub fn read(file: &Path, modules: &Path) -> Result<NetworkConfig, Problems> {
        let text = std::fs::read_to_string(file).map_err(|e| Problems::one(file, e.to_string()))?;
        let table: Table =
            text.parse().map_err(|e: toml::de::Error| Problems::one(file, e.to_string()))?;
        let mut problems = Vec::new();
        let config = Self::parse(table, modules, &mut problems);
        Problems::check(file, problems)?;
        Ok(config.expect("a file without problems has every field"))
    }

    fn parse(table: Table, modules: &Path, problems: &mut Vec<String>) -> Option<NetworkConfig> {
        let mut fields = Fields::new(table, "", problems);
        let name = fields.text("name");
        let (members, nodes) = (fields.tables("members"), fields.tables("nodes"));
        let (contracts, parameters) = (fields.table("contracts"), fields.table("parameters"));
        fields.finish();
        let members = each(members, "members", problems, member);
        let nodes = each(nodes, "nodes", problems, node);
        let contracts = contracts?
            .into_iter()
            .filter_map(|(name, value)| contract(name, value, modules, problems))
            .collect();
        let mut fields = Fields::new(parameters?, "parameters", problems);
        let parameters = fields
            .names()
            .into_iter()
            .filter_map(|name| fields.number(&name, 0).map(|value| (name, value)))
            .collect();
        Some(NetworkConfig { name: name?, members, nodes, contracts, parameters })
    }
}

fn each<T>(
    tables: Vec<Table>,
    place: &str,
    problems: &mut Vec<String>,
    read: impl Fn(&mut Fields<'_>) -> Option<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let mut fields = Fields::new(table, format!("{place}[{index}]"), problems);
        items.extend(read(&mut fields));
        fields.finish();
    }
    items
}

fn member(fields: &mut Fields<'_>) -> Option<MemberConfig> {
    let (id, name, country) = (fields.text("id"), fields.text("name"), fields.text("country"));
    Some(MemberConfig { id: id?, name: name?, country: country? })
}

fn node(fields: &mut Fields<'_>) -> Option<NodeEntry> {
    let (id, member, role) = (fields.number("id", 1), fields.text("member"), fields.text("role"));
    let role = role.and_then(|role| match role.as_str() {
        "voter" => Some(NodeRole::Voter),
        "learner" => Some(NodeRole::Learner),
        other => {
            fields.problem("role", format_args!("{other:?}: expected voter or learner"));
            None
        }
    });
    let (p2p, api) = (fields.parsed("p2p"), fields.parsed("api"));
    Some(NodeEntry { id: id?, member: member?, role: role?, p2p: p2p?, api: api? })
}

/// A contract as its manifest describes it, with the policies that the network file overrides.
fn contract(
    name: String,
    value: toml::Value,
    modules: &Path,
    problems: &mut Vec<String>,
) -> Option<ContractConfig> {
    let toml::Value::Table(table) = value else {
        problems.push(format!("contracts.{name}: expected a table"));
        return None;
    };
    let manifest = Manifest::read(&name, modules)
        .map_err(|found| {
            problems.extend(found.iter().map(|problem| format!("contracts.{name}: {problem}")));
        })
        .ok()?;
    let mut policies = manifest.policies;
    let methods = policies.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut fields = Fields::new(table, format!("contracts.{name}"), problems);
    for method in fields.names() {
        let policy: Option<Policy> = fields.parsed(&method);
        match (policies.get_mut(&method), policy) {
            (Some(default), Some(policy)) => *default = policy,
            (Some(_), None) => {}
            (None, _) => {
                fields.problem(&method, format_args!("no such method; there are {methods}"));
            }
        }
    }
    let policies = policies
        .into_iter()
        .map(|(method, policy)| MethodPolicy { method, policy: policy.to_string() })
        .collect();
    Some(ContractConfig { id: manifest.id, name, policies })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::fields::damage::harmed;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    /// The manifests of the contracts that ship, as they are installed.
    fn manifests() -> tempfile::TempDir {
        let modules = tempfile::tempdir().unwrap();
        for contract in ["aeo", "governance"] {
            let manifest = Path::new(ROOT).join("contracts").join(contract).join("manifest.toml");
            std::fs::copy(manifest, modules.path().join(format!("{contract}.toml"))).unwrap();
        }
        modules
    }

    fn parse(text: &str) -> (Option<NetworkConfig>, Vec<String>) {
        let mut problems = Vec::new();
        let modules = manifests();
        let config = NetworkConfig::parse(text.parse().unwrap(), modules.path(), &mut problems);
        (config, problems)
    }

    #[test]
    fn the_networks_that_ship_are_well_formed() {
        let modules = manifests();
        let mut read = 0;
        for entry in std::fs::read_dir(Path::new(ROOT).join("network-configs")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "toml") {
                NetworkConfig::read(&path, modules.path()).unwrap();
                read += 1;
            }
        }
        assert_eq!(read, 3);
    }

    proptest! {
        /// Whatever is wrong with a file is a problem that is told, never a panic.
        #[test]
        fn a_harmed_file_is_read_or_has_problems(text in harmed(DEV)) {
            let modules = &*MODULES;
            let Ok(table) = text.parse() else { return Ok(()) };
            let mut problems = Vec::new();
            let config = NetworkConfig::parse(table, modules.path(), &mut problems);
            prop_assert!(config.is_some() || !problems.is_empty());
        }
    }

    const DEV: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../network-configs/dev.toml"));

    static MODULES: LazyLock<tempfile::TempDir> = LazyLock::new(manifests);

    #[test]
    fn every_problem_is_reported() {
        let (_, problems) = parse(
            r#"
            name = 1
            members = [{ id = "a", name = "A", land = "UY" }]
            nodes = [{ id = 0, member = "a", role = "boss", p2p = "x", api = "127.0.0.1:1" }]
            [contracts.aeo]
            certify = "3 of parties"
            certfy = "owner"
            [contracts.tariffs]
            [parameters]
            call-fuel = "much"
            "#,
        );
        assert_eq!(problems.len(), 10, "{problems:#?}");
        let named = |text: &str| problems.iter().any(|problem| problem.contains(text));
        assert!(named("contracts.aeo.certfy: no such method; there are"), "{problems:#?}");
        assert!(named("contracts.aeo.certify: \"3 of parties\""), "{problems:#?}");
        assert!(named("contracts.tariffs: "), "{problems:#?}");
    }

    #[test]
    fn the_network_file_overrides_what_manifests_say() {
        let (config, problems) = parse(
            r#"
            name = "x"
            members = []
            nodes = []
            [contracts.aeo]
            certify = "2 of members"
            [contracts.governance]
            [parameters]
            "#,
        );
        assert!(problems.is_empty(), "{problems:?}");
        let contracts = config.unwrap().contracts;
        let policy = |contract: usize, method: &str| {
            let policies = &contracts[contract].policies;
            policies.iter().find(|it| it.method == method).map(|it| it.policy.clone())
        };
        assert_eq!((contracts[0].id, contracts[1].id), (2, 1));
        assert_eq!(policy(0, "certify").as_deref(), Some("2 of members"));
        assert_eq!(policy(0, "suspend").as_deref(), Some("owner.officer"));
        assert_eq!(policy(1, "enrol").as_deref(), Some("owner.admin"));
        assert!(contracts[0].policies.is_sorted_by_key(|it| &it.method), "as genesis needs it");
    }
}
