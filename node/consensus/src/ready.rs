//! raft-rs' Ready, handled asynchronously: what may leave now, what waits for the disk.
//!
//! The order is raft-rs' contract (its crate documentation, steps 1 to 7) in TiKV's asynchronous
//! form: a leader's messages leave at once; entries become readable through the log before
//! `advance_append_async`; a follower's messages wait until the write that carries them, or the last
//! one before them, is persisted.

use raft::{Ready, eraftpb::Message};

use crate::{
    log::{HardState, LogEntry, LogStore, SnapshotMark, WriteTask},
    mutated::mutated,
    replica::Replica,
    wire,
};

/// A write under way.
pub(crate) struct Unpersisted {
    /// Number of its task.
    task: u64,
    /// The last Ready that is complete when it is: its own, or a later one that had nothing to
    /// write.
    last_ready: u64,
    /// What may be sent then.
    messages: Vec<Message>,
}

impl<L: LogStore> Replica<L> {
    pub(crate) fn handle_ready(&mut self) {
        let mut ready = self.raw.ready();
        self.send(ready.take_messages());
        for state in ready.take_read_states() {
            self.reads.confirmed(&state.request_ctx, state.index);
        }
        let committed = ready.take_committed_entries();
        let messages = ready.take_persisted_messages();
        let number = ready.number();
        if ready.must_sync() {
            self.write(&mut ready);
            if mutated("promise-before-write") {
                self.send(messages.clone());
            }
            self.unpersisted.push_back(Unpersisted { task: number, last_ready: number, messages });
            self.raw.advance_append_async(ready);
            if mutated("count-unwritten-log") {
                self.raw.on_persist_ready(number);
            }
            self.deliver(committed);
            return;
        }
        assert!(
            ready.entries().is_empty() && ready.snapshot().is_empty(),
            "raft has something to write that need not be synced"
        );
        match self.unpersisted.back_mut() {
            Some(last) => {
                last.last_ready = number;
                last.messages.extend(messages);
                self.raw.advance_append_async(ready);
                self.deliver(committed);
            }
            None => {
                self.send(messages);
                let mut light = self.raw.advance_append(ready);
                assert!(
                    light.commit_index().is_none() && light.messages().is_empty(),
                    "nothing was persisted, so nothing can follow from it"
                );
                self.deliver(committed);
                self.deliver(light.take_committed_entries());
            }
        }
    }

    /// Puts a Ready's entries into the log and asks for the write that makes them durable.
    fn write(&mut self, ready: &mut Ready) {
        let number = ready.number();
        let metadata = ready.snapshot().get_metadata();
        let snapshot = (!ready.snapshot().is_empty())
            .then_some(SnapshotMark { index: metadata.index, term: metadata.term });
        if let Some(mark) = snapshot {
            assert!(self.unpersisted.is_empty(), "a snapshot waits for the writes before it");
            self.raw.mut_store().reset(mark);
        }
        let entries = ready.take_entries();
        let written = entries.iter().map(|entry| LogEntry {
            index: entry.index,
            term: entry.term,
            payload: entry.data.clone(),
        });
        let written = written.collect();
        let truncate_from = self.raw.mut_store().append(number, entries);
        let state = self.raw.raft.hard_state();
        let state = HardState { term: state.term, vote: state.vote, commit: state.commit };
        let hard_state = (state != self.written).then_some(state);
        self.written = state;
        let task = WriteTask { number, snapshot, truncate_from, entries: written, hard_state };
        self.output.writes.push(task);
    }

    pub(crate) fn persisted(&mut self, number: u64) {
        let mut last_ready = None;
        let mut messages = Vec::new();
        while let Some(write) = self.unpersisted.pop_front_if(|write| write.task <= number) {
            last_ready = Some(write.last_ready);
            messages.extend(write.messages);
        }
        let last_ready = last_ready.expect("only a write under way can be reported as persisted");
        self.raw.mut_store().persisted(number);
        self.raw.on_persist_ready(last_ready);
        self.installed();
        self.send(messages);
    }

    fn send(&mut self, messages: Vec<Message>) {
        self.output.messages.extend(messages.iter().map(|m| (m.to, wire::encode(m))));
    }
}
