//! Puts the results of the benchmarks into a document, between its markers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Parser;
use precinto_bench_report::{document, steps, tables::Results};
use serde::de::DeserializeOwned;

/// Puts the results of the benchmarks into a document.
#[derive(Debug, Parser)]
struct Args {
    /// Directory with what `precinto-load` wrote
    #[arg(long)]
    results: PathBuf,
    /// Directory with what criterion wrote
    #[arg(long)]
    criterion: PathBuf,
    /// The document with markers
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    document: PathBuf,
    /// Where the renewed document goes; in its own place if not given
    #[arg(long)]
    to: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let results = read(&args.results, &args.criterion)?;
    let text = fs::read_to_string(&args.document)
        .with_context(|| format!("cannot read {}", args.document.display()))?;
    let renewed = document::renew(&text, |name| results.table(name))?;
    let to = args.to.unwrap_or(args.document);
    fs::write(&to, renewed).with_context(|| format!("cannot write {}", to.display()))
}

fn read(directory: &Path, criterion: &Path) -> anyhow::Result<Results> {
    let mut results = Results { steps: steps::read(criterion)?, ..Results::default() };
    let entries = fs::read_dir(directory)
        .with_context(|| format!("no results in {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            "machine.json" => results.machine = Some(parse(&path)?),
            "network.json" => results.network = Some(parse(&path)?),
            name if name.starts_with("growth-") => results.growth.push(parse(&path)?),
            _ => {}
        }
    }
    results.growth.sort_by_key(|run| run.records);
    Ok(results)
}

fn parse<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = fs::read(path)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no result", path.display()))
}
