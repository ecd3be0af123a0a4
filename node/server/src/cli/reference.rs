//! docs/CLI.md, written from the commands themselves, so that it is always true.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::{Cli, exit, import};

const HEAD: &str = "\
# Command line

This page is written by the program (`UPDATE_CLI=1 cargo test -p precinto-server --test cli`): change the
comments in `node/server/src/cli/`, not the page.

Results go to standard output, everything else to standard error. Times in tables are UTC. With `--json` a
command prints one JSON document (streams: one per line), whose fields are those of the HTTP interface
(`schemas/openapi.json`), and an error is one line `{\"error\": {\"detail\", \"code\", \"hint\", \"exit\"}}` on standard
error. Progress is shown on terminals only.
";

/// The page.
pub fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = String::from(HEAD);
    let _ = write!(page, "\n```text\n{}\n```\n", exit::HELP);
    page += "\n## Options of every command\n\n";
    arguments(&mut page, root.get_arguments().filter(|arg| !is_help(arg)));
    page += "\n## Lists of authorizations\n\n";
    let _ = write!(page, "```text\n{}```\n", import::HELP);
    for command in visible(&root) {
        section(&mut page, command, root.get_name());
    }
    page
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set())
}

/// One command, and those below it.
fn section(page: &mut String, command: &Command, parents: &str) {
    let name = format!("{parents} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let leaf = !command.has_subcommands();
    let heading = if leaf { "###" } else { "##" };
    let _ = write!(page, "\n{heading} {name}\n\n{about}.\n");
    if leaf {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").split_whitespace();
        let _ = write!(page, "\n```text\n{}\n```\n\n", usage.collect::<Vec<_>>().join(" "));
        let own = |arg: &&Arg| !arg.is_global_set() && !is_help(arg);
        arguments(page, command.get_arguments().filter(own));
    }
    for command in visible(command) {
        section(page, command, &name);
    }
}

fn is_help(arg: &Arg) -> bool {
    ["help", "version"].contains(&arg.get_id().as_str())
}

/// A list of arguments and options.
fn arguments<'a>(page: &mut String, all: impl Iterator<Item = &'a Arg>) {
    for arg in all {
        let mut name = arg.to_string();
        if let Some(aliases) = arg.get_visible_aliases() {
            name += &aliases.iter().map(|alias| format!(", --{alias}")).collect::<String>();
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = write!(page, "* `{name}`: {help}");
        let takes_value = arg.get_action().takes_values();
        let names: Vec<_> = arg
            .get_possible_values()
            .iter()
            .filter(|_| takes_value)
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !names.is_empty() {
            let _ = write!(page, "; one of {}", names.join(", "));
        }
        let defaults = arg.get_default_values().iter().filter(|_| takes_value);
        let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() {
            let _ = write!(page, "; `{}` if not given", defaults.join(" "));
        }
        if let Some(variable) = arg.get_env() {
            let _ = write!(page, "; or the variable `{}`", variable.to_string_lossy());
        }
        page.push('\n');
    }
}
