//! What a node is fit for at the moment, as its owner measures it: a node whose clock is wrong must
//! not lead, one whose disk is full must not take entries either.
//!
//! Both still vote and answer heartbeats: an election or a read must not fail because of them.

use raft::StateRole;

use crate::{log::LogStore, replica::Replica, settings::ELECTION_TICKS, status::RaftRole};

/// What a node is fit for, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Fitness {
    /// Takes no entries: its disk is full. What it has, it serves.
    Serve,
    /// Follows and votes, but does not lead: its clock is wrong.
    Follow,
    /// Everything.
    #[default]
    Lead,
}

/// Where the election clock of an unfit voter stands still: past the time in which it keeps the
/// present leader from being voted out (`ELECTION_TICKS`), and before it campaigns itself, which
/// [`UNFIT_ELECTION_TIMEOUT`] puts off by one tick more.
const STANDSTILL: usize = UNFIT_ELECTION_TIMEOUT - 1;

/// The longest time-out raft takes.
pub(crate) const UNFIT_ELECTION_TIMEOUT: usize = 2 * ELECTION_TICKS - 1;

/// Ticks between two attempts of an unfit leader to hand over: raft gives up on a successor that
/// does not answer after as many.
const HAND_OVER_EVERY: u64 = ELECTION_TICKS as u64;

impl<L: LogStore> Replica<L> {
    pub(crate) fn set_fitness(&mut self, fitness: Fitness) {
        self.fitness = fitness;
        if !self.may_lead() && self.raw.raft.state == StateRole::Leader {
            self.transfer_leadership();
        }
    }

    pub(crate) fn may_lead(&self) -> bool {
        self.fitness == Fitness::Lead
    }

    pub(crate) fn takes_entries(&self) -> bool {
        self.fitness > Fitness::Serve
    }

    /// With every tick. A leader that no other voter can follow stays one, and proposes nothing.
    pub(crate) fn hand_over_if_unfit(&mut self) {
        let leads = self.raw.raft.state == StateRole::Leader;
        if leads && !self.may_lead() && self.ticks.is_multiple_of(HAND_OVER_EVERY) {
            self.transfer_leadership();
        }
    }

    /// Whether this voter's election clock stands still, because it must not campaign.
    pub(crate) fn stands_still(&self) -> bool {
        let follows = matches!(self.role(), RaftRole::Follower | RaftRole::Candidate);
        follows && !self.may_lead() && self.raw.raft.election_elapsed >= STANDSTILL
    }
}
