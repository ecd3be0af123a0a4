//! What operators are given: the table of metrics, the dashboard, the alerts, the unit.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{cargo::root, sources};

/// How exposed the service may be by systemd's own measure, from 0 (not at all) to 100.
const MAX_EXPOSURE: &str = "25";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names in docs/METRICS.md.
fn documented() -> BTreeSet<String> {
    let text = read("docs/METRICS.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

/// Whatever looks like one of our metrics.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("precinto_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// The metric that a query's sample belongs to.
fn family(sample: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    suffixes.iter().find_map(|suffix| sample.strip_suffix(suffix)).unwrap_or(sample)
}

fn assert_documented(place: &str, samples: &BTreeSet<String>) {
    let documented = documented();
    let unknown: Vec<_> = samples
        .iter()
        .filter(|sample| !documented.contains(*sample) && !documented.contains(family(sample)))
        .collect();
    assert!(unknown.is_empty(), "{place} asks for metrics that docs/METRICS.md lacks: {unknown:?}");
}

#[test]
fn the_table_of_metrics_names_what_the_sources_register() {
    let sources = sources::all();
    let metrics = sources.iter().filter(|source| {
        let path = source.path.to_string_lossy();
        path.starts_with("node/server/src/node/metrics") || path == "node/api/src/metrics.rs"
    });
    let mut registered = BTreeSet::new();
    for source in metrics {
        for (_, line) in source.product_lines() {
            let literals = line.split('"').skip(1).step_by(2);
            registered.extend(
                literals.filter(|text| metrics_in(text).contains(*text)).map(str::to_owned),
            );
        }
    }
    assert!(registered.len() > 40, "the metrics are not where this test looks");
    assert_eq!(registered, documented());
}

#[test]
fn the_dashboard_can_be_imported_and_asks_for_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&read("ops/grafana/precinto.json")).expect("JSON");
    for field in ["title", "uid", "schemaVersion", "templating", "panels", "time"] {
        assert!(!dashboard[field].is_null(), "no {field}");
    }
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert!(variables.iter().any(|variable| variable["type"] == "datasource"));
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "ids of panels are unique");
    let mut samples = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().expect("targets") {
            samples.extend(metrics_in(target["expr"].as_str().expect("a query")));
        }
    }
    assert!(samples.len() > 30, "{samples:?}");
    assert_documented("the dashboard", &samples);
}

#[test]
fn every_alert_has_a_severity_a_summary_and_metrics_that_exist() {
    let text = read("ops/prometheus/alerts.yml");
    let rules: Vec<&str> = text.split("- alert: ").skip(1).collect();
    assert!(rules.len() > 10);
    let mut samples = BTreeSet::new();
    for rule in rules {
        for needed in ["expr: ", "labels: {severity: ", "annotations: {summary: "] {
            assert!(rule.contains(needed), "{needed} in {rule}");
        }
        let expression = rule.lines().find_map(|line| line.trim().strip_prefix("expr: "));
        samples.extend(metrics_in(expression.expect("an expression")));
    }
    assert_documented("alerts.yml", &samples);
    let rules = root().join("ops/prometheus/alerts.yml");
    run_where_there("promtool", Command::new("promtool").args(["check", "rules"]).arg(rules));
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_calls_hardened() {
    let unit = read("ops/systemd/precinto@.service");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("systemd");
    fs::create_dir_all(&folder).expect("cargo's folder is ours");
    // The program need not be installed here.
    let file: PathBuf = folder.join("precinto@1.service");
    fs::write(&file, unit.replace("/usr/local/bin/precinto", "/bin/true")).expect("a file");
    let verify = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).arg(&file);
        run_where_there("systemd-analyze", &mut command)
    };
    // It ignores what it does not know, and says so.
    let said = verify(&["verify", "--man=no"]);
    assert!(!said.contains("precinto@1.service"), "{said}");
    verify(&["security", "--offline=true", "--no-pager", &format!("--threshold={MAX_EXPOSURE}")]);
}

/// Runs a tool's check, which must succeed, and gives what it said; where the tool is not installed,
/// tells that.
#[expect(clippy::print_stderr, reason = "a check that is not made must be told")]
fn run_where_there(tool: &str, command: &mut Command) -> String {
    match command.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(output.status.success(), "{tool}: {said}");
            said.into_owned()
        }
        Err(error) => {
            eprintln!("skipped: {tool} is not installed ({error})");
            String::new()
        }
    }
}
