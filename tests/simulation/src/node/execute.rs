//! The verify and apply threads: one entry after the other.

use std::sync::Arc;

use precinto_consensus::{Committed, SnapshotMark};
use precinto_core::apply::{self, Done};
use precinto_execution::precheck;

use super::Process;
use crate::{
    event::Wake,
    stage::{Stage, Step, Stop},
};

/// What the apply thread has to do.
pub(crate) enum Work {
    /// A committed entry.
    Entry(Committed),
    /// The staged snapshot becomes the ledger.
    Install(SnapshotMark),
}

impl Process {
    pub(super) fn work(&mut self, work: Work, stage: &mut Stage) {
        self.work.push_back(work);
        self.start_work(stage);
    }

    fn start_work(&mut self, stage: &mut Stage) {
        if self.executing || self.work.is_empty() {
            return;
        }
        self.executing = true;
        let execute = stage.parameters.execute;
        let delay = if stage.calm { execute.min(1_000) } else { stage.random.around(execute) };
        self.wake(delay, Wake::Executed, stage);
    }

    pub(super) fn executed(&mut self, stage: &mut Stage) -> Step {
        self.executing = false;
        match self.work.pop_front() {
            Some(Work::Entry(entry)) => self.apply(&entry, stage)?,
            Some(Work::Install(mark)) => {
                let done = self.install(mark, stage)?;
                self.tell_done(&done, stage)?;
                self.snapshot_in_use(stage);
            }
            None => {}
        }
        self.start_work(stage);
        Ok(())
    }

    fn apply(&mut self, entry: &Committed, stage: &mut Stage) -> Step {
        let keys = &self.tools.keys;
        let job = apply::prepare(entry.clone(), |items| {
            items.iter().map(|item| precheck(item, keys)).collect()
        });
        let done = self.applier.apply(job)?;
        let (node, ledger) = (self.host.node, self.ledger.get());
        stage.watch.applied(node, entry, &done, (self.applier.membership(), &ledger))?;
        if let Some(effects) = &done.effects {
            let root = effects.state_root.as_bytes();
            stage.trace.event(stage.now, node, "executed", done.height, root);
            stage.count("blocks executed");
            for (id, record) in &effects.outcomes {
                let (outcome, message) = (&record.outcome, &record.message);
                stage.trace.remark(stage.now, || format!("n{node}: {id} {outcome:?} {message}"));
            }
        }
        if let Some((change, true)) = done.change {
            stage.trace.remark(stage.now, || format!("n{node}: {change:?}"));
            stage.count("group changes executed");
        }
        self.tell_done(&done, stage)
    }

    /// What is on record is told.
    fn tell_done(&mut self, done: &Done, stage: &mut Stage) -> Step {
        done.settle(&self.pending)?;
        for input in done.inputs() {
            self.feed(input, stage);
        }
        if let Some(nodes) = &done.nodes {
            self.nodes.clone_from(nodes);
            self.attestation.set_nodes(Arc::new(nodes.clone()));
            let own = nodes.iter().find(|node| node.id == self.host.node);
            if own.is_some_and(|own| !own.is_active()) {
                return Err(Stop::Retired);
            }
        }
        Ok(())
    }
}
