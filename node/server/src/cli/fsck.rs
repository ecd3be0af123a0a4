//! `precinto fsck`: whether what a stopped node has on disk is what it should be.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
    path::PathBuf,
};

use clap::Args;
use precinto_storage::{
    StorageError,
    verify::{Finding, Severity},
};
use serde::Serialize;

use super::{
    exit::{Failure, Found},
    output::{self, Table},
};
use crate::fsck::{Report, Stopped, Timed};

/// How to check.
#[derive(Debug, Args)]
pub struct FsckArgs {
    /// Directory with node.toml; the node must not run
    node_dir: PathBuf,
    /// Execute every block again as well, and compare all that it gives
    #[arg(long)]
    replay: bool,
    /// Make a damaged ledger anew from its blocks; asks first
    #[arg(long)]
    repair: bool,
    /// Repair without asking
    #[arg(long, requires = "repair")]
    yes: bool,
}

/// Checks, and repairs if asked to. Ends with 0 if there is nothing (left) to find, 1 if there is,
/// 2 if it could not be checked.
pub fn run(args: &FsckArgs, json: bool) -> anyhow::Result<()> {
    let node = Stopped::new(&args.node_dir).map_err(not_checked)?;
    let report = node.examine(args.replay).map_err(not_checked)?;
    let worst = report.worst();
    // Machines get one report: that of the end.
    if !(json && args.repair && worst.is_some()) {
        print(&report, None, json);
    }
    let Some(worst) = worst else { return Ok(()) };
    if !args.repair {
        return Err(Found.into());
    }
    let repaired = repair(args, &node, worst).inspect_err(|_| {
        if json {
            print(&report, None, true);
        }
    });
    let aside = repaired?;
    let after = node.examine(false).map_err(not_checked)?;
    print(&after, aside, json);
    match after.worst() {
        None => Ok(()),
        Some(_) => Err(Found.into()),
    }
}

/// Repairs what is safe to repair, if it is agreed to; gives where the damaged ledger is now.
fn repair(args: &FsckArgs, node: &Stopped, worst: Severity) -> anyhow::Result<Option<PathBuf>> {
    if worst == Severity::Promise {
        return Err(refused(args, "the Raft log, or what this node signed, is damaged".into()));
    }
    agree(args, node, worst)?;
    let repaired = match worst {
        Severity::Derived => node.reindex().map(|()| None),
        _ => node.repair().map(Some),
    };
    repaired.map_err(|error| refused(args, format!("{error:#}")))
}

fn not_checked(error: anyhow::Error) -> anyhow::Error {
    let (code, hint) = match error.downcast_ref::<StorageError>() {
        Some(StorageError::InUse { .. }) => ("node-running", "stop the node, then check it"),
        Some(StorageError::Missing { .. }) => (
            "no-storage",
            "a node that lost its data joins as a new one: `precinto node prepare`, `node replace`",
        ),
        _ => ("not-checked", "nothing is known of the node's data"),
    };
    Failure::usage(code, format!("{error:#}"), hint).into()
}

/// A node that cannot be repaired is replaced.
fn refused(args: &FsckArgs, reason: String) -> anyhow::Error {
    let dir = args.node_dir.display();
    let hint = format!(
        "nothing was changed. The node must not run again under its number; a new one takes its \
         place and fetches the ledger from its peers:\n  \
         precinto node prepare NEW_DIR --from {dir} --node NUMBER\n  \
         precinto node replace --request NEW_DIR/replace-node.cbor --admin-key ADMIN_KEY"
    );
    Failure::failed("not-repairable", reason, hint).into()
}

fn agree(args: &FsckArgs, node: &Stopped, worst: Severity) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    let what = match worst {
        Severity::Derived => "Index and log nodes are computed anew, in place.",
        _ => {
            "The ledger is made anew by executing its blocks; the damaged one is set aside, the \
             Raft log and what was signed stay."
        }
    };
    let data = node.data().display();
    output::notice(format_args!("{what} Type yes to do it in {data}:"));
    let mut answer = String::new();
    if io::stdin().is_terminal() {
        io::stdin().read_line(&mut answer)?;
    }
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::failed("not-agreed", "nothing was repaired", "type yes, or give --yes").into())
}

/// A check, for machines.
#[derive(Serialize)]
struct CheckView<'a> {
    name: &'a str,
    rows: u64,
    seconds: f64,
    findings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unchecked: Option<&'a str>,
}

/// A finding, for machines.
#[derive(Serialize)]
struct FindingView<'a> {
    check: &'a str,
    code: &'a str,
    severity: &'a str,
    table: &'a str,
    key: &'a str,
    detail: &'a str,
    hint: &'a str,
}

/// Everything, for machines.
#[derive(Serialize)]
struct ReportView<'a> {
    node: u64,
    clean: bool,
    begins_at: Option<u64>,
    height: Option<u64>,
    halted: Option<&'a str>,
    checks: Vec<CheckView<'a>>,
    findings: Vec<FindingView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<PathBuf>,
}

impl CheckView<'_> {
    fn of(check: &Timed) -> CheckView<'_> {
        CheckView {
            name: check.name,
            rows: check.rows,
            seconds: check.took.as_secs_f64(),
            findings: check.count,
            unchecked: check.unchecked.as_deref(),
        }
    }
}

impl FindingView<'_> {
    fn of<'a>(check: &Timed, finding: &'a Finding) -> FindingView<'a> {
        FindingView {
            check: check.name,
            code: finding.problem.code(),
            severity: finding.severity.name(),
            table: finding.table,
            key: &finding.key,
            detail: &finding.detail,
            hint: finding.hint(),
        }
    }
}

fn findings(report: &Report) -> Vec<FindingView<'_>> {
    let checks = report.checks.iter();
    checks.flat_map(|check| check.findings.iter().map(|it| FindingView::of(check, it))).collect()
}

fn print(report: &Report, set_aside: Option<PathBuf>, json: bool) {
    if !json {
        return print_tables(report, set_aside);
    }
    output::json(&ReportView {
        node: report.node,
        clean: report.worst().is_none(),
        begins_at: report.heights.0,
        height: report.heights.1,
        halted: report.halted.as_deref(),
        checks: report.checks.iter().map(CheckView::of).collect(),
        findings: findings(report),
        set_aside,
    });
}

fn print_tables(report: &Report, set_aside: Option<PathBuf>) {
    if let Some(aside) = set_aside {
        let aside = aside.display();
        output::line(format_args!(
            "The ledger was made anew. The damaged one is in {aside}: remove it when nobody needs \
             it.\n"
        ));
    }
    let mut table = Table::new(["CHECK", "ROWS", "ROWS/S", "FINDINGS", ""]);
    for check in &report.checks {
        let note = check.unchecked.as_ref().map(|why| format!("not checked: {why}"));
        table.row([
            check.name.to_owned(),
            check.rows.to_string(),
            format!("{:.0}", check.rows as f64 / check.took.as_secs_f64().max(1e-6)),
            check.count.to_string(),
            note.unwrap_or_default(),
        ]);
    }
    output::table(&table);
    let findings = findings(report);
    if !findings.is_empty() {
        let mut table = Table::new(["CODE", "SEVERITY", "TABLE", "KEY", "WHAT"]);
        for finding in &findings {
            let cells = [finding.code, finding.severity, finding.table, finding.key];
            let [code, severity, name, key] = cells.map(str::to_owned);
            table.row([code, severity, name, key, finding.detail.to_owned()]);
        }
        output::line(format_args!(""));
        output::table(&table);
        output::line(format_args!(""));
        let hints: BTreeSet<(&str, &str)> = findings.iter().map(|f| (f.severity, f.hint)).collect();
        for (severity, hint) in hints {
            output::line(format_args!("{severity}: {hint}"));
        }
    }
    let height = report.heights.1.map(|height| format!(", up to block {height}"));
    let (node, height) = (report.node, height.unwrap_or_default());
    let verdict = if report.worst().is_none() { "whole" } else { "damaged" };
    output::line(format_args!("\nNode {node}{height}: {verdict}"));
    if let Some(begin) = report.heights.0.filter(|begin| *begin > 0) {
        output::line(format_args!(
            "Its ledger began with a snapshot of block {begin}: nothing from before it is here"
        ));
    }
    if let Some(reason) = &report.halted {
        output::line(format_args!(
            "It halted: {reason}\nCompare its roots with the other members' before you remove HALTED"
        ));
    }
}
