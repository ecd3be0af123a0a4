//! Checking, and repairing, what a stopped node has on disk.
//!
//! Storage examines its tables; here their blocks are executed again as well, and a ledger that is
//! damaged is made anew that way. What is repaired is the ledger alone: the Raft log holds what
//! this node promised, which nobody can give back.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use precinto_core::replay::Replay;
use precinto_protocol::{genesis::Genesis, identity::NodeId};
use precinto_storage::{
    ChannelDirectory, Rebuild, StorageError,
    verify::{Check, Examination, Finding, Severity, differences},
};

use crate::{
    node::boot,
    node_config::{NODE_FILE, NodeConfig},
    setup::genesis::read_genesis,
};

/// Name of the check beside those of storage.
const REPLAY: &str = "replay";

/// A stopped node.
pub struct Stopped {
    config: NodeConfig,
    genesis: Genesis,
    directory: ChannelDirectory,
}

/// How a check went, and how long it took.
pub struct Timed {
    /// Its name.
    pub name: &'static str,
    /// Rows, entries or items looked at.
    pub rows: u64,
    /// Time taken.
    pub took: Duration,
    /// Findings.
    pub count: u64,
    /// Those that are kept.
    pub findings: Vec<Finding>,
    /// Why some or all of it could not be checked.
    pub unchecked: Option<String>,
}

/// All checks.
pub struct Report {
    /// The node.
    pub node: NodeId,
    /// Height of the first and of the newest block, as far as they are known.
    pub heights: (Option<u64>, Option<u64>),
    /// Why the node halted, if it did.
    pub halted: Option<String>,
    /// The checks.
    pub checks: Vec<Timed>,
}

impl Report {
    /// The gravest finding that the node does not deal with by itself.
    pub fn worst(&self) -> Option<Severity> {
        let all = self.checks.iter().flat_map(|check| &check.findings);
        all.map(|finding| finding.severity).filter(|it| *it != Severity::Notice).max()
    }
}

impl Stopped {
    /// The node whose directory this is.
    ///
    /// # Errors
    /// A configuration or genesis that cannot be read.
    pub fn new(dir: &Path) -> anyhow::Result<Stopped> {
        let config = NodeConfig::read(&dir.join(NODE_FILE))?;
        let genesis = read_genesis(&config.genesis)?;
        let directory = ChannelDirectory::new(&config.data);
        Ok(Stopped { config, genesis, directory })
    }

    /// Its data.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// Checks everything; with `replay`, executes every block again. Changes nothing.
    ///
    /// # Errors
    /// [`StorageError::Missing`] and [`StorageError::InUse`]; I/O errors.
    pub fn examine(&self, replay: bool) -> anyhow::Result<Report> {
        let mut examination = self.open()?;
        let mut checks: Vec<Timed> =
            Check::ALL.map(|check| timed(&mut examination, check)).into_iter().collect();
        if replay {
            checks.push(self.replay(&examination)?);
        }
        let heights = (examination.begins_at(), examination.height());
        let halted = std::fs::read(self.config.data.join(boot::HALTED_FILE)).ok();
        let halted = halted.map(|reason| String::from_utf8_lossy(&reason).trim().to_owned());
        Ok(Report { node: self.config.node, heights, halted, checks })
    }

    fn open(&self) -> Result<Examination, StorageError> {
        Examination::open(&self.directory, self.config.node, &self.genesis.hash())
    }

    /// Executes the stored blocks into another ledger and compares the two.
    fn replay(&self, examination: &Examination) -> anyhow::Result<Timed> {
        let started = Instant::now();
        let mut timed = Timed {
            name: REPLAY,
            rows: 0,
            took: Duration::ZERO,
            count: 0,
            findings: Vec::new(),
            unchecked: None,
        };
        let (Some(stored), Some(height)) = (examination.ledger(), examination.height()) else {
            timed.unchecked = Some("the ledger's head cannot be read".into());
            return Ok(timed);
        };
        if examination.begins_at() != Some(0) {
            timed.unchecked =
                Some("the ledger began with a snapshot: its blocks are not here".into());
            return Ok(timed);
        }
        let rebuild = self.execute(examination)?;
        let reached = rebuild.ledger().head().map_or(0, |head| head.block.height);
        if reached == height {
            (timed.rows, timed.count, timed.findings) =
                differences(&stored, &rebuild.ledger().view())?;
        } else {
            timed.unchecked = Some(format!("there is no block {} to execute", reached + 1));
        }
        rebuild.discard()?;
        timed.took = started.elapsed();
        Ok(timed)
    }

    /// A ledger beside the one in use, made of all blocks that are there.
    fn execute(&self, examination: &Examination) -> anyhow::Result<Rebuild> {
        let (tools, _) = boot::tools(self.config.code.clone(), &self.config.data)?;
        let rebuild = self.directory.begin_rebuild(examination.identity())?;
        let mut replay = Replay::begin(rebuild.ledger().clone(), &self.genesis, tools)?;
        loop {
            let height = replay.height() + 1;
            let block = examination.next_block(height, replay.index(), &replay.content())?;
            let Some(block) = block else { return Ok(rebuild) };
            // A summary that cannot be read or is stale leads nowhere else than none.
            let summary = examination.ledger().and_then(|view| view.summary(height).ok().flatten());
            replay
                .next(block, summary.map(|summary| summary.state_root))
                .with_context(|| format!("block {height} cannot be executed again"))?;
        }
    }

    /// Computes anew, in place, what can be computed from the rest of the ledger.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn reindex(&self) -> anyhow::Result<()> {
        let identity = self.open()?.identity();
        Ok(self.directory.reindex(&identity)?)
    }

    /// Makes the ledger anew from its blocks and puts it in the place of the damaged one; gives
    /// where that was set aside. For a node whose Raft log is whole.
    ///
    /// # Errors
    /// Why it cannot be done; nothing is changed then.
    pub fn repair(&self) -> anyhow::Result<PathBuf> {
        let mut examination = self.open()?;
        // Tells how far the ledger came, and what was committed.
        examination.run(Check::RaftLog);
        let height = examination.height();
        let rebuild = self.execute(&examination)?;
        let reached = rebuild.ledger().head().map_or(0, |head| head.block.height);
        drop(examination);
        if height.is_some_and(|height| reached < height) {
            rebuild.discard()?;
            bail!("neither the ledger nor the Raft log has block {}", reached + 1);
        }
        Ok(rebuild.activate()?)
    }
}

fn timed(examination: &mut Examination, check: Check) -> Timed {
    let started = Instant::now();
    let checked = examination.run(check);
    Timed {
        name: check.name(),
        rows: checked.rows,
        took: started.elapsed(),
        count: checked.count,
        findings: checked.findings,
        unchecked: checked.unchecked,
    }
}
