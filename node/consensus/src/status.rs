//! A replica's state for people and metrics.

use std::sync::Arc;

use precinto_protocol::{identity::NodeId, membership::Membership};
use raft::StateRole;

use crate::{
    log::LogStore,
    replica::{Replica, node_id},
    settings::ELECTION_TICKS,
};

/// What a replica is in its present term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RaftRole {
    /// Proposes blocks.
    Leader,
    /// A voter that follows the leader, or looks for one.
    Follower,
    /// A voter that asks for votes.
    Candidate,
    /// Replicates and does not vote.
    Learner,
}

/// A replica's state at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// This node.
    pub node: NodeId,
    /// What it is.
    pub role: RaftRole,
    /// Its term.
    pub term: u64,
    /// The leader of that term, if known.
    pub leader: Option<NodeId>,
    /// Whether the leader is known to have committed in its term. Before, it cannot tell what its
    /// predecessors committed, and answers no linearizable read.
    pub settled: bool,
    /// Highest raft index known to be committed.
    pub commit: u64,
    /// Raft index executed last.
    pub applied: u64,
    /// First raft index kept.
    pub first_index: u64,
    /// Last raft index of the log, on disk or not.
    pub last_index: u64,
    /// Last raft index known to be on this node's disk.
    pub persisted: u64,
    /// Transactions waiting for a block.
    pub queued_transactions: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Messages dropped since the start.
    pub refused_messages: u64,
    /// The group in force.
    pub membership: Arc<Membership>,
    /// The other nodes, if this one leads.
    pub peers: Vec<PeerStatus>,
}

/// A leader's view of another node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// The node.
    pub node: NodeId,
    /// Highest raft index it has on disk, as far as the leader knows.
    pub matched: u64,
    /// Whether it answered lately.
    pub active: bool,
}

impl<L: LogStore> Replica<L> {
    /// The present state.
    pub fn status(&self) -> Status {
        let raft = &self.raw.raft;
        let leader = self.leader();
        Status {
            node: self.node,
            role: self.role(),
            term: raft.term,
            leader,
            settled: leader.is_some() && raft.commit_to_current_term(),
            commit: raft.raft_log.committed,
            applied: self.applied.index,
            first_index: raft.store().first(),
            last_index: raft.raft_log.last_index(),
            persisted: raft.raft_log.persisted,
            queued_transactions: self.queue.len(),
            queued_bytes: self.queue.bytes(),
            refused_messages: self.refused_messages,
            membership: self.membership.clone(),
            peers: self.peers(),
        }
    }

    /// The leader of this term, if known. A learner cannot campaign, so raft never makes it forget
    /// a leader that went silent; here it does after twice the time a voter would take. A voter
    /// that must not campaign forgets it where its election clock stands still.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let silent = self.raw.raft.election_elapsed >= 2 * ELECTION_TICKS;
        let forgotten = (silent && self.role() == RaftRole::Learner) || self.stands_still();
        node_id(self.raw.raft.leader_id).filter(|_| !forgotten)
    }

    pub(crate) fn role(&self) -> RaftRole {
        match self.raw.raft.state {
            StateRole::Leader => RaftRole::Leader,
            StateRole::Candidate | StateRole::PreCandidate => RaftRole::Candidate,
            StateRole::Follower if self.membership.voters.contains(&self.node) => {
                RaftRole::Follower
            }
            StateRole::Follower => RaftRole::Learner,
        }
    }

    /// In order of node ids; empty unless this node leads.
    fn peers(&self) -> Vec<PeerStatus> {
        if self.role() != RaftRole::Leader {
            return Vec::new();
        }
        let others = self.raw.raft.prs().iter().filter(|(node, _)| **node != self.node);
        let mut peers: Vec<_> = others
            .map(|(&node, progress)| PeerStatus {
                node,
                matched: progress.matched,
                active: progress.recent_active,
            })
            .collect();
        peers.sort_by_key(|peer| peer.node);
        peers
    }
}
