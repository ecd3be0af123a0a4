//! Simulating against the ledger as it is now.

use precinto_core::{LedgerCell, StatePort, open::Tools};
use precinto_execution::{QueryAt, Simulation, ViewError};
use precinto_protocol::hash::Hash;

use super::super::raft::wall_clock_ms;

/// The ledger in use and what calls run in.
#[derive(Clone)]
pub(in crate::node) struct Present {
    /// Genesis hash of the channel.
    pub channel: Hash,
    /// The ledger.
    pub ledger: LedgerCell,
    /// Contract engine and parsed keys.
    pub tools: Tools,
}

impl Present {
    /// Height of the newest block.
    pub(super) fn height(&self) -> u64 {
        self.ledger.get().head().map_or(0, |head| head.block.height)
    }

    /// Runs `work` with a simulation of the next block on the state as it is now. Blocks.
    pub(super) fn simulate<T>(
        &self,
        work: impl FnOnce(&mut Simulation<'_>, &StatePort) -> T,
    ) -> Result<T, ViewError> {
        let ledger = self.ledger.get();
        let (height, time_ms) =
            ledger.head().map_or((0, 0), |head| (head.block.height, head.block.time_ms));
        let at = QueryAt { height: height + 1, time_ms: wall_clock_ms().max(time_ms + 1) };
        let state = StatePort(ledger.view());
        let Tools { runtime, keys } = &self.tools;
        let mut simulation = Simulation::new(&state, keys, runtime, self.channel, at)?;
        Ok(work(&mut simulation, &state))
    }
}
