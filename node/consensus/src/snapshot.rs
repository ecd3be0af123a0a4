//! Snapshots: offered to followers that need entries the log no longer has, and installed here.
//!
//! raft-rs expects to be given a snapshot and to install it at once. A ledger is downloaded and
//! verified first, which takes long and may fail, so the message is held back: it becomes an offer
//! for the owner. When the owner has the ledger staged, raft is given a snapshot message after all,
//! as if the present leader had just sent it; the write task that follows swaps the ledger and
//! starts the log anew. While an offer is open, others are ignored: the leader repeats its own.

use std::collections::BTreeMap;

use precinto_protocol::{identity::NodeId, membership::Membership};
use raft::{
    INVALID_ID, ProgressState, SnapshotStatus, StateRole,
    eraftpb::{Message, MessageType, Snapshot},
};

use crate::{
    chain::{Applied, Chain},
    deliver::Delivery,
    io::SnapshotOffer,
    log::{LogStore, SnapshotMark},
    membership::{conf_state, membership_of},
    replica::Replica,
    settings::SNAPSHOT_RETRY_TICKS,
};

/// Snapshots on their way, in and out.
#[derive(Default)]
pub(crate) struct Snapshots {
    /// Offered to this node, with the group as of it; the owner is fetching it.
    offered: Option<(SnapshotMark, Membership)>,
    /// Staged by the owner, not yet given to raft.
    staged: Option<(Applied, Membership)>,
    /// Given to raft; the write that installs it is under way.
    installing: Option<Applied>,
    /// Followers that were sent an offer, and since which tick.
    sending: BTreeMap<NodeId, u64>,
}

impl Snapshots {
    pub(crate) fn is_installing(&self) -> bool {
        self.installing.is_some()
    }

    /// The owner gives up an offer; the leader will make another.
    pub(crate) fn failed(&mut self, index: u64) {
        self.offered.take_if(|(mark, _)| mark.index == index);
    }

    fn is_idle(&self) -> bool {
        self.offered.is_none() && self.staged.is_none() && self.installing.is_none()
    }
}

impl<L: LogStore> Replica<L> {
    /// A snapshot message: an offer, unless the log has caught up with it.
    pub(crate) fn receive_snapshot(&mut self, mut message: Message) {
        let metadata = message.get_snapshot().get_metadata();
        let mark = SnapshotMark { index: metadata.index, term: metadata.term };
        if self.has(mark) {
            // raft tells the leader how far this log is, and installs nothing.
            self.step(message);
        } else if message.term >= self.raw.raft.term && self.snapshots.is_idle() {
            let membership = membership_of(message.get_snapshot().get_metadata().get_conf_state());
            let membership = membership.expect("a snapshot for no group was refused");
            self.snapshots.offered = Some((mark, membership.clone()));
            let (from, manifest) = (message.from, message.take_snapshot().data);
            let offer = SnapshotOffer { from, mark, membership, manifest };
            self.output.snapshot_offer = Some(offer);
        }
    }

    fn has(&self, mark: SnapshotMark) -> bool {
        let log = &self.raw.raft.raft_log;
        mark.index <= log.committed || log.match_term(mark.index, mark.term)
    }

    pub(crate) fn staged(&mut self, applied: Applied) {
        match self.snapshots.offered.take_if(|(mark, _)| *mark == applied.mark()) {
            Some((_, membership)) => self.snapshots.staged = Some((applied, membership)),
            None => self.output.snapshot_discarded = Some(applied.index),
        }
    }

    /// Gives a staged snapshot to raft once every earlier write is on disk and a leader is known, or
    /// discards it if the log has caught up meanwhile.
    pub(crate) fn install_staged(&mut self) {
        let Some((applied, membership)) = self.snapshots.staged.clone() else { return };
        if self.has(applied.mark()) {
            self.snapshots.staged = None;
            self.output.snapshot_discarded = Some(applied.index);
            return;
        }
        let raft = &self.raw.raft;
        let follows = raft.state == StateRole::Follower && raft.leader_id != INVALID_ID;
        if !follows || !self.unpersisted.is_empty() {
            return;
        }
        let mut snapshot = Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = applied.index;
        metadata.term = applied.term;
        metadata.set_conf_state(conf_state(&membership));
        let message = Message {
            msg_type: MessageType::MsgSnapshot as i32,
            from: raft.leader_id,
            to: self.node,
            term: raft.term,
            snapshot: Some(snapshot),
            ..Message::default()
        };
        self.step(message);
        assert!(self.raw.snap().is_some(), "a follower installs a snapshot ahead of its log");
        self.snapshots.staged = None;
        self.snapshots.installing = Some(applied);
        self.membership = membership.into();
        self.chain = Chain::new(&applied);
        self.delivery = Delivery::new(applied.index);
        self.after_step();
    }

    /// After a write: if it installed a snapshot, the ledger is now the snapshot's.
    pub(crate) fn installed(&mut self) {
        if let Some(applied) = self.snapshots.installing.take() {
            self.applied = applied;
            self.raw.advance_apply_to(applied.index);
        }
    }

    pub(crate) fn delivered(&mut self, node: NodeId, complete: bool) {
        self.snapshots.sending.remove(&node);
        let status = if complete { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.raw.report_snapshot(node, status);
    }

    /// A follower that reports nothing would stay in snapshot state for ever: raft neither repeats
    /// the offer nor sends entries until told how it ended.
    pub(crate) fn retry_snapshots(&mut self) {
        let mut sending = BTreeMap::new();
        for (&node, progress) in self.raw.raft.prs().iter() {
            if self.raw.raft.state == StateRole::Leader && progress.state == ProgressState::Snapshot
            {
                let since = self.snapshots.sending.get(&node).copied().unwrap_or(self.ticks);
                sending.insert(node, since);
            }
        }
        let overdue = |since: &u64| self.ticks - since >= SNAPSHOT_RETRY_TICKS;
        let late: Vec<_> =
            sending.iter().filter(|(_, since)| overdue(since)).map(|s| *s.0).collect();
        self.snapshots.sending = sending;
        for node in late {
            self.delivered(node, false);
        }
    }
}
