//! The settings of `node.toml`, each in one place: its name, what it is for, its default. The parser's
//! defaults, the file that `precinto network init` writes, `precinto node config` and
//! docs/CONFIGURATION.md all come from this table.
//!
//! Three layers: what the file says; where it is silent, the default; and every mistake told at
//! once ([`crate::fields`]).

use std::{collections::BTreeMap, fmt::Write};

use toml::{Table, Value};

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, with the table it stands in (`log.format`).
    pub name: &'static str,
    /// Its default as TOML; without one the file must have it.
    pub default: Option<&'static str>,
    /// What it is for: lines of a comment.
    pub about: &'static str,
}

const fn required(name: &'static str, about: &'static str) -> Setting {
    Setting { name, default: None, about }
}

const fn with_default(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, default: Some(default), about }
}

/// Every setting of a node; those of one table stand together, those of none first.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    required("node", "Id of this node in genesis."),
    required("genesis", "The channel's genesis, the same file at every node."),
    required("data", "Directory of the Raft log and the ledger, on a local disk of its own if possible.\nNever restore it from a backup: see docs/OPERATIONS.md."),
    required("code", "Directory of the contract modules, <code hash>.wasm."),
    required("keys", "Directory of identity.key, network.key, attestation.key and lookup.key, mode 0600."),
    required("p2p", "Where peers connect: address and port to listen on."),
    required("api", "Where clients connect, in plain HTTP: loopback, or an address behind a proxy with TLS."),
    with_default("trusted_proxy", "\"\"", "Address of the reverse proxy whose X-Forwarded-For is believed; empty for none."),
    with_default("sessions.idle_minutes", "30", "A login that is not used for so long ends."),
    with_default("sessions.minutes", "720", "A login ends after so long in any case."),
    with_default("endorsement.refuse", "[]", "Calls of others that this member does not endorse: \"contract.method\" or\n\"contract.method of member\", with * for any."),
    with_default("log.format", "\"text\"", "Lines for people (\"text\") or one JSON object per line (\"json\").\nThe option --log-format goes before it."),
    with_default("log.level", "\"info,libp2p=warn,yamux=warn\"", "What is logged: a level (error, warn, info, debug, trace), or levels by module.\nThe variable PRECINTO_LOG goes before it."),
    with_default("disk.reserve_mib", "256", "Room that is kept free on the disk of `data`, in MiB: below it the node takes no writes.\nA quarter of it is held in the file `ballast`, for writes that are under way."),
    with_default("metrics.open_on_loopback", "true", "Whether /metrics answers without a token to clients on this machine.\nSet it to false behind a proxy on this machine: to the node, its clients are all local."),
];

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file.
    File,
    /// [`Setting::default`].
    Default,
}

/// A file's table with the defaults beneath it.
#[derive(Debug)]
pub struct Layered {
    /// Every value there is, known or not.
    pub table: Table,
    origins: BTreeMap<&'static str, Origin>,
}

impl Layered {
    /// Puts the defaults beneath `file`. What is not a table where one must be stays for the parser
    /// to refuse.
    pub fn new(file: Table) -> Layered {
        let mut layered = Layered { table: file, origins: BTreeMap::new() };
        for setting in SETTINGS {
            if get(&layered.table, setting.name).is_some() {
                layered.origins.insert(setting.name, Origin::File);
            } else if let Some(default) = setting.default {
                layered.put_default(setting.name, default);
            }
        }
        layered
    }

    fn put_default(&mut self, name: &'static str, default: &str) {
        let (section, key) = split(name);
        let table = match section {
            None => &mut self.table,
            Some(section) => {
                let entry = self.table.entry(section).or_insert_with(|| Table::new().into());
                let Some(table) = entry.as_table_mut() else { return };
                table
            }
        };
        table.insert(key.to_owned(), parse(default));
        self.origins.insert(name, Origin::Default);
    }

    /// The effective configuration as a file with every setting, its comment and its origin.
    pub fn explain(&self, file: &str) -> String {
        render(|setting| {
            let value = get(&self.table, setting.name)?;
            let from = match self.origins.get(setting.name)? {
                Origin::File => file,
                Origin::Default => "default",
            };
            Some(format!("{} = {value}  # {from}\n", split(setting.name).1))
        })
    }
}

/// A new file: the settings in `values` (TOML) are set, the others stand as comments with their
/// default.
pub fn template(values: &BTreeMap<&str, String>) -> String {
    render(|setting| {
        let key = split(setting.name).1;
        if let Some(value) = values.get(setting.name) {
            return Some(format!("{key} = {value}\n"));
        }
        Some(setting.default.map_or_else(String::new, |default| format!("# {key} = {default}\n")))
    })
}

fn render(line: impl Fn(&Setting) -> Option<String>) -> String {
    let mut text = String::new();
    let mut current = None;
    for setting in SETTINGS {
        let (section, _) = split(setting.name);
        let Some(line) = line(setting) else { continue };
        if section != current {
            current = section;
            let _ = write!(text, "\n[{}]", section.unwrap_or_default());
        }
        text.push('\n');
        for about in setting.about.lines() {
            let _ = writeln!(text, "# {about}");
        }
        text += &line;
    }
    text.trim_start().to_owned()
}

/// The reference, as docs/CONFIGURATION.md shows it.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration of a node\n\n\
         Generated from `node/server/src/settings.rs` by `UPDATE_DOCS=1 cargo test -p precinto-server settings`.\n\n\
         A node reads `node.toml` in its directory; relative paths in it are relative to the file. What the\n\
         file does not say has its default. Every mistake is reported at once, an unknown setting with the\n\
         one that was probably meant. `precinto node config <dir>` prints what is in force and why.\n\n\
         | setting | default | meaning |\n|---|---|---|\n",
    );
    for Setting { name, default, about } in SETTINGS {
        let default = default.map_or("required".to_owned(), |default| format!("`{default}`"));
        let _ = writeln!(text, "| `{name}` | {default} | {} |", about.replace('\n', " "));
    }
    text
}

/// Section and key of a name.
fn split(name: &'static str) -> (Option<&'static str>, &'static str) {
    name.split_once('.').map_or((None, name), |(section, key)| (Some(section), key))
}

fn get<'a>(table: &'a Table, name: &'static str) -> Option<&'a Value> {
    match split(name) {
        (None, key) => table.get(key),
        (Some(section), key) => table.get(section)?.as_table()?.get(key),
    }
}

fn parse(default: &str) -> Value {
    let table: Table = format!("value = {default}").parse().expect("defaults are TOML");
    table["value"].clone()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIGURATION.md");

    #[test]
    fn settings_are_unique_commented_and_in_one_piece_per_table() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        let mut sections: Vec<_> = SETTINGS.iter().map(|setting| split(setting.name).0).collect();
        sections.dedup();
        assert_eq!(sections.iter().collect::<BTreeSet<_>>().len(), sections.len());
        assert_eq!(sections[0], None);
        assert!(SETTINGS.iter().all(|setting| setting.about.ends_with('.')));
    }

    #[test]
    fn the_document_is_what_the_table_says() {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(DOCUMENT, reference()).unwrap();
        }
        let document = std::fs::read_to_string(Path::new(DOCUMENT)).unwrap_or_default();
        assert!(
            document == reference(),
            "run UPDATE_DOCS=1 cargo test -p precinto-server settings"
        );
    }

    #[test]
    fn what_is_in_force_is_told_with_its_origin() {
        let file = "node = 7\n[log]\nlevel = \"debug\"\n";
        let layered = Layered::new(file.parse().unwrap());
        let text = layered.explain("node.toml");
        assert!(text.contains("node = 7  # node.toml\n"), "{text}");
        assert!(text.contains("level = \"debug\"  # node.toml\n"), "{text}");
        assert!(text.contains("format = \"text\"  # default\n"), "{text}");
        let again: Table = text.parse().unwrap();
        assert_eq!(get(&again, "disk.reserve_mib"), Some(&Value::Integer(256)));
    }

    #[test]
    fn a_new_file_sets_what_was_given_and_shows_the_defaults() {
        let text = template(&[("node", "3".to_owned())].into());
        assert!(
            text.contains("\nnode = 3\n") && text.contains("\n# format = \"text\"\n"),
            "{text}"
        );
        let table: Table = text.parse().unwrap();
        assert_eq!(
            table.keys().collect::<Vec<_>>(),
            ["disk", "endorsement", "log", "metrics", "node", "sessions"]
        );
        assert_eq!(table["log"].as_table().map(Table::len), Some(0), "{text}");
    }
}
