//! A machine: a disk and a clock that outlive the processes on it.

use std::collections::BTreeSet;

use precinto_protocol::identity::NodeId;
use precinto_storage::{ChannelDirectory, memory::MemoryVolume};

use crate::{
    node::{Host, Process, Served},
    stage::{Stage, Step},
};

/// Whether a process runs, or will again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It runs.
    Up,
    /// It starts again.
    Down,
    /// Its disk is gone or damaged: it waits to be replaced.
    Lost,
    /// Its member has put another node in its place.
    Retired,
}

/// See the module.
pub(crate) struct Machine {
    /// Its node.
    pub node: NodeId,
    /// Its disk.
    pub volume: MemoryVolume,
    /// How far its clock is ahead, milliseconds.
    pub skew_ms: i64,
    /// Until when its process stands still.
    pub paused_until: u64,
    /// Whether its process runs.
    pub state: State,
    /// Whether bits on its disk were flipped: it may end, but never answer wrong.
    pub damaged: bool,
    /// Whether its disk was told to fail: it may end.
    pub failing: bool,
    /// The process, while it runs.
    pub process: Option<Box<Process>>,
    /// Nodes it has heard of.
    pub contacts: BTreeSet<NodeId>,
    life: u64,
    served: Served,
}

impl Machine {
    /// With an empty disk, prepared for `node`.
    ///
    /// # Errors
    /// None, on a disk that works.
    pub(crate) fn new(node: NodeId, contacts: BTreeSet<NodeId>, stage: &Stage) -> Step<Machine> {
        let volume = MemoryVolume::new();
        ChannelDirectory::in_memory(volume.clone()).create(stage.channel.identity(node))?;
        Ok(Machine {
            node,
            volume,
            skew_ms: 0,
            paused_until: 0,
            state: State::Down,
            damaged: false,
            failing: false,
            process: None,
            contacts,
            life: 0,
            served: Served::new(),
        })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub(crate) fn start(&mut self, stage: &mut Stage) -> Step {
        self.life += 1;
        self.failing = false;
        let host = Host {
            node: self.node,
            life: self.life,
            skew_ms: self.skew_ms,
            directory: ChannelDirectory::in_memory(self.volume.clone()),
        };
        let served = self.served.clone();
        stage.trace.event(stage.now, self.node, "starts", self.life, &[]);
        let process = Process::start(host, self.contacts.clone(), served, stage)?;
        self.process = Some(Box::new(process));
        self.state = State::Up;
        Ok(())
    }

    /// Ends the process, wherever it is.
    pub(crate) fn kill(&mut self, stage: &mut Stage) {
        let Some(mut process) = self.process.take() else { return };
        if stage.random.chance(500) {
            process.write_unheard();
        }
        self.served = process.served();
        stage.watch.raft.stopped(self.node);
        stage.trace.event(stage.now, self.node, "ends", self.life, &[]);
        self.volume.work_again();
        self.state = State::Down;
    }

    /// Loses what is not synced, but for some of the first of it.
    pub(crate) fn lose_power(&mut self, stage: &mut Stage) {
        let random = &mut stage.random;
        self.volume.crash(|pending| random.below(pending as u64 + 1) as usize);
        if random.chance(300) {
            self.served.clear();
        }
    }

    /// Moves its clock.
    pub(crate) fn set_clock(&mut self, skew_ms: i64) {
        self.skew_ms = skew_ms;
        if let Some(process) = &mut self.process {
            process.host.skew_ms = skew_ms;
        }
    }

    /// Whether it is to be replaced.
    pub(crate) fn is_broken(&self) -> bool {
        self.state == State::Lost || self.damaged || self.volume.is_empty()
    }

    /// Whether its process may end by itself.
    pub(crate) fn may_end(&self) -> bool {
        self.damaged || self.failing
    }
}
