//! The genesis file.

use std::path::Path;

use anyhow::Context;
use precinto_protocol::genesis::Genesis;

use crate::fields::Problems;

/// Genesis file in a network's directory.
pub const GENESIS_FILE: &str = "genesis.cbor";

/// Reads and checks a genesis file.
pub fn read_genesis(file: &Path) -> anyhow::Result<Genesis> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let genesis: Genesis = precinto_protocol::cbor::decode(&bytes)
        .with_context(|| format!("{} is no genesis file", file.display()))?;
    Problems::check(file, genesis.problems())?;
    Ok(genesis)
}
