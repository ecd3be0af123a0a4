//! Lists through the command line, and news through the program that measures them.

use std::{fmt::Write, fs, path::Path, process::Command, time::Instant};

use anyhow::{Context, bail};
use precinto_bench_report::results::{Lists, News};
use precinto_cluster_tests::{VOTERS, built};
use tokio::task::spawn_blocking;

use crate::network::Bench;

/// The member whose list it is: that of the first node.
const MEMBER: &str = "uy-dna";

/// Imports a list of so many rows twice, and exports it.
pub(crate) async fn measure(bench: &Bench, rows: usize) -> anyhow::Result<Lists> {
    let list = bench.network.root().join("list.csv");
    fs::write(&list, csv(rows))?;
    let import = || bench_command(bench, &["aeo", "import"], Some(&list));
    let first_import_s = seconds(import()).await?;
    let second_import_s = seconds(import()).await?;
    let exported = bench.network.root().join("exported.csv");
    let export = bench_command(bench, &["aeo", "export", "--output"], Some(&exported));
    let export_s = seconds(export).await?;
    let lines = fs::read_to_string(&exported)?.lines().count();
    if lines <= rows {
        bail!("{lines} lines were exported of {rows} rows");
    }
    Ok(Lists { rows, first_import_s, second_import_s, export_s })
}

fn bench_command(bench: &Bench, args: &[&str], file: Option<&Path>) -> Command {
    let mut command = bench.network.program().command(["--at", MEMBER, "--dir"]);
    command.arg(bench.network.directory()).args(args).args(file);
    command
}

fn csv(rows: usize) -> String {
    let mut text = String::from(
        "scheme,identifier,number,types,roles,valid_from,valid_until,consent,publish\n",
    );
    for row in 0..rows {
        writeln!(
            text,
            "aeo,LIST{row},LIST-{row},AEOC+AEOS,importer+exporter,2026-01-01,2099-12-31,yes,yes"
        )
        .expect("text takes everything");
    }
    text
}

/// How long a command takes; it must succeed.
async fn seconds(mut command: Command) -> anyhow::Result<f64> {
    let began = Instant::now();
    let output = spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        bail!("a command failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(began.elapsed().as_secs_f64())
}

/// So many suspensions, and how fast every voter knows of each.
pub(crate) async fn news(bench: &Bench, suspensions: usize) -> anyhow::Result<News> {
    let out = bench.network.root().join("news.json");
    let urls: Vec<&str> = VOTERS.iter().map(|id| bench.network.node(*id).url()).collect();
    let mut command = built("precinto-news");
    command.arg("--dir").arg(bench.network.directory()).args(["--nodes", &urls.join(",")]);
    command.args(["--count", &suspensions.to_string(), "--out"]).arg(&out);
    seconds(command).await?;
    serde_json::from_slice(&fs::read(out)?).context("precinto-news wrote something else")
}
