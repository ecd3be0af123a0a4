//! The raft thread: inputs go in, outputs are handed on.

use precinto_consensus::{Fitness, Input, Output, Status};

use super::{Process, execute::Work};
use crate::{
    event::{Body, Wake},
    parameters::MS,
    stage::{Stage, Step},
};

/// Inputs within this time are answered together.
const BATCH: u64 = 200;

/// How long a snapshot takes to build.
const BUILD: u64 = 30 * MS;

impl Process {
    /// Gives the replica an input.
    pub(crate) fn feed(&mut self, input: Input, stage: &mut Stage) {
        let now_ms = self.now(stage).wall_ms;
        self.replica.feed(now_ms, input);
        self.soon_hand_on(stage);
    }

    /// From now on the node is fit for this.
    pub(crate) fn set_fitness(&mut self, fitness: Fitness, stage: &mut Stage) {
        self.feed(Input::Fitness(fitness), stage);
    }

    /// What the replica says of itself.
    pub(crate) fn status(&self) -> Status {
        self.replica.status()
    }

    pub(super) fn soon_hand_on(&mut self, stage: &mut Stage) {
        if !self.handing_on {
            self.handing_on = true;
            let delay = stage.random.below(BATCH);
            self.wake(delay, Wake::HandOn, stage);
        }
    }

    pub(super) fn hand_on(&mut self, stage: &mut Stage) -> Step {
        self.handing_on = false;
        let mut output = self.replica.take_output();
        let (node, status) = (self.host.node, self.replica.status());
        let synced = self.ledger.get().synced().index;
        stage.watch.output(node, &output, &status, synced)?;
        if let Some(leadership) = output.leadership {
            let role = leadership.role as u64;
            stage.trace.event(stage.now, node, "role", role, &leadership.term.to_be_bytes());
        }
        for (to, bytes) in std::mem::take(&mut output.messages) {
            stage.trace.event(stage.now, node, "sends", to, &bytes);
            if !stage.send(node, to, Body::Raft(bytes)) && stage.random.chance(300) {
                self.feed(Input::Unreachable(to), stage);
            }
        }
        for entry in std::mem::take(&mut output.committed) {
            stage.trace.event(stage.now, node, "commits", entry.index, &entry.block);
            self.work(Work::Entry(entry), stage);
        }
        for task in std::mem::take(&mut output.writes) {
            self.write(task, stage)?;
        }
        for outcome in std::mem::take(&mut output.reads) {
            self.read_ready(outcome, stage);
        }
        self.rest(output, stage)
    }

    fn rest(&mut self, output: Output, stage: &mut Stage) -> Step {
        for _ in &output.returned {
            // It stays pending at the node that accepted it, which sends it again.
            stage.count("transactions returned");
        }
        for alarm in &output.alarms {
            stage.trace.remark(stage.now, || format!("n{}: {alarm:?}", self.host.node));
            stage.count("alarms");
        }
        if !output.snapshot_wanted.is_empty() && !self.building {
            self.building = true;
            self.wake(BUILD, Wake::Build, stage);
        }
        if let Some(offer) = output.snapshot_offer {
            self.fetch(offer, stage)?;
        }
        if let Some(index) = output.snapshot_discarded {
            self.discard(index);
        }
        if let Some(mark) = output.compact {
            stage.count("compactions");
            self.compact(mark, stage)?;
        }
        Ok(())
    }
}
