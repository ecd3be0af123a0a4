//! A contract's manifest: its id and methods, with the policy that each has unless the network file
//! says otherwise.

use std::{collections::BTreeMap, path::Path};

use precinto_protocol::{policy::Policy, registry::GOVERNANCE_CONTRACT};
use toml::Table;

use crate::fields::Fields;

/// See the module.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The contract's id.
    pub(super) id: u32,
    /// Default policies by method.
    pub(super) policies: BTreeMap<String, Policy>,
}

impl Manifest {
    /// Reads the manifest of `contract`, `<contract>.toml` beside its module in `modules`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the file's name.
    pub(super) fn read(contract: &str, modules: &Path) -> Result<Manifest, Vec<String>> {
        let file = modules.join(format!("{contract}.toml"));
        let place = file.display();
        let text = std::fs::read_to_string(&file).map_err(|error| {
            vec![format!("{place}: {error}; build the contracts with `make contracts`")]
        })?;
        let mut problems = Vec::new();
        let manifest = match text.parse() {
            Ok(table) => Manifest::parse(table, &mut problems),
            Err(error) => {
                let error: toml::de::Error = error;
                problems.push(error.to_string());
                None
            }
        };
        let problems = problems.into_iter().map(|problem| format!("{place}: {problem}")).collect();
        manifest.ok_or(problems)
    }

    /// `None` if there are problems.
    fn parse(table: Table, problems: &mut Vec<String>) -> Option<Manifest> {
        let mut fields = Fields::new(table, "", problems);
        let id = fields.number("id", u64::from(GOVERNANCE_CONTRACT));
        let methods = fields.table("methods").unwrap_or_default();
        fields.finish();
        let mut policies = BTreeMap::new();
        for (name, value) in methods {
            let toml::Value::Table(table) = value else {
                problems.push(format!("methods.{name}: expected a table"));
                continue;
            };
            let mut fields = Fields::new(table, format!("methods.{name}"), problems);
            let (policy, does) = (fields.parsed("policy"), fields.text("does"));
            if does.is_some_and(|line| line.trim().is_empty()) {
                fields.problem("does", "expected a line that says what the method does");
            }
            fields.finish();
            policies.extend(policy.map(|policy| (name, policy)));
        }
        let id = id.and_then(|id| u32::try_from(id).ok())?;
        problems.is_empty().then_some(Manifest { id, policies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_with_the_file() {
        let modules = tempfile::tempdir().unwrap();
        std::fs::write(modules.path().join("x.toml"), "id = ").unwrap();
        let problems = Manifest::read("x", modules.path()).unwrap_err();
        assert_eq!(problems.len(), 1, "no TOML: {problems:?}");

        let text =
            "id = 0\nname = 1\n[methods]\nb = 1\na = { policy = \"owner.boss\", does = \" \" }\n";
        std::fs::write(modules.path().join("x.toml"), text).unwrap();
        let problems = Manifest::read("x", modules.path()).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert!(problems.iter().all(|problem| problem.contains("x.toml: ")), "{problems:#?}");
        assert!(problems.iter().any(|problem| problem.contains("methods.a.policy")));

        let missing = Manifest::read("y", modules.path()).unwrap_err();
        assert!(missing[0].contains("make contracts"), "{missing:?}");
    }
}
