//! The network file: members, nodes, policies and parameters a network starts with.

use std::{net::SocketAddr, path::Path};

use precinto_protocol::{
    identity::{MemberId, NodeId},
    registry::{MethodPolicy, NodeRole},
};
use toml::Table;

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
    /// Reads and checks the form of `file`; what the parts mean together is genesis' to check.
    ///
    /// # Errors
    /// Every problem of the file at once.
    pub fn read(file: &Path) -> Result<NetworkConfig, Problems> {
        let text = std::fs::read_to_string(file).map_err(|e| Problems::one(file, e.to_string()))?;
        let table: Table =
            text.parse().map_err(|e: toml::de::Error| Problems::one(file, e.to_string()))?;
        let mut problems = Vec::new();
        let config = Self::parse(table, &mut problems);
        Problems::check(file, problems)?;
        Ok(config.expect("a file without problems has every field"))
    }

    fn parse(table: Table, problems: &mut Vec<String>) -> Option<NetworkConfig> {
        let mut fields = Fields::new(table, "", problems);
        let name = fields.text("name");
        let (members, nodes) = (fields.tables("members"), fields.tables("nodes"));
        let (contracts, parameters) = (fields.table("contracts"), fields.table("parameters"));
        fields.finish();
        let members = each(members, "members", problems, member);
        let nodes = each(nodes, "nodes", problems, node);
        let contracts = contracts?
            .into_iter()
            .filter_map(|(name, value)| contract(name, value, problems))
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

fn contract(
    name: String,
    value: toml::Value,
    problems: &mut Vec<String>,
) -> Option<ContractConfig> {
    let toml::Value::Table(table) = value else {
        problems.push(format!("contracts.{name}: expected a table"));
        return None;
    };
    let mut fields = Fields::new(table, format!("contracts.{name}"), problems);
    let id = fields.number("id", 1).and_then(|id| u32::try_from(id).ok());
    let policies = fields
        .names()
        .into_iter()
        .filter_map(|method| fields.text(&method).map(|policy| MethodPolicy { method, policy }))
        .collect();
    Some(ContractConfig { id: id?, name, policies })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<NetworkConfig>, Vec<String>) {
        let mut problems = Vec::new();
        let config = NetworkConfig::parse(text.parse().unwrap(), &mut problems);
        (config, problems)
    }

    #[test]
    fn the_networks_that_ship_are_well_formed() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../network-configs");
        let mut read = 0;
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "toml") {
                NetworkConfig::read(&path).unwrap();
                read += 1;
            }
        }
        assert!(read > 0);
    }

    #[test]
    fn every_problem_is_reported() {
        let (_, problems) = parse(
            r#"
            name = 1
            members = [{ id = "a", name = "A", land = "UY" }]
            nodes = [{ id = 0, member = "a", role = "boss", p2p = "x", api = "127.0.0.1:1" }]
            [contracts.aeo]
            id = 2
            [parameters]
            call-fuel = "much"
            "#,
        );
        assert_eq!(problems.len(), 7, "{problems:#?}");
    }
}
