//! What cargo knows of a workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is two levels below the root")
        .into()
}

/// `cargo metadata` of a workspace, for this machine's platform.
pub(crate) struct Metadata(Value);

impl Metadata {
    /// Of the workspace whose manifest is at `manifest`, relative to the root.
    pub(crate) fn of(manifest: &str) -> Metadata {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--offline"])
            .args(["--filter-platform", &host()])
            .arg("--manifest-path")
            .arg(root().join(manifest))
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata of {manifest}: {errors}");
        Metadata(serde_json::from_slice(&output.stdout).expect("cargo writes JSON"))
    }

    /// The workspace's own packages and what each depends on directly, development dependencies
    /// aside.
    pub(crate) fn members(&self) -> BTreeMap<String, BTreeSet<String>> {
        let members: BTreeSet<&str> = list(&self.0["workspace_members"]).map(text).collect();
        list(&self.0["packages"])
            .filter(|package| members.contains(text(&package["id"])))
            .map(|package| {
                let direct = list(&package["dependencies"])
                    .filter(|dependency| dependency["kind"] != "dev")
                    .map(|dependency| text(&dependency["name"]).to_owned());
                (text(&package["name"]).to_owned(), direct.collect())
            })
            .collect()
    }

    /// The workspace's own packages that can depend on `dependency`, perhaps only if asked to.
    pub(crate) fn takers_of(&self, dependency: &str) -> Vec<String> {
        let members = self.members().into_iter();
        let takers = members.filter(|(_, direct)| direct.contains(dependency));
        takers.map(|(name, _)| name).collect()
    }

    /// The names of all packages that the library of `package` needs, at any distance.
    pub(crate) fn closure(&self, package: &str) -> BTreeSet<String> {
        let names: BTreeMap<&str, &str> = list(&self.0["packages"])
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let needs: BTreeMap<&str, Vec<&str>> = list(&self.0["resolve"]["nodes"])
            .map(|node| (text(&node["id"]), list(&node["deps"]).filter_map(needed).collect()))
            .collect();
        let start = names.iter().find(|(_, name)| **name == package);
        let mut open = vec![*start.unwrap_or_else(|| panic!("no package {package}")).0];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&needs[id]);
            }
        }
        seen.into_iter().map(|id| names[id].to_owned()).collect()
    }
}

/// The package of an edge of the graph, unless only tests use it.
fn needed(edge: &Value) -> Option<&str> {
    let normal = list(&edge["dep_kinds"]).any(|kind| kind["kind"] != "dev");
    normal.then(|| text(&edge["pkg"]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("cargo metadata has a list here").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has a text here")
}

/// The platform of this machine, as rustc names it.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(output.stdout).expect("rustc writes text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc -vV names the host").to_owned()
}
