//! What only a leader does: propose blocks, hand over, give up.

use std::cmp::Reverse;

use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace},
    limits::MAX_BLOCK_BYTES,
};
use raft::{INVALID_ID, StateRole};

use crate::{
    chain::Link,
    io::Alarm,
    log::LogStore,
    mutated::mutated,
    replica::Replica,
    settings::{
        ABSTAIN_TICKS, EMPTY_BLOCK_AFTER_MS, MAX_PROPOSALS_IN_FLIGHT, MAX_UNAPPLIED_ENTRIES,
        MAX_UNCOMMITTED_BYTES, STALL_TICKS,
    },
};

/// A leader whose entries are not committed although a quorum answers it.
#[derive(Default)]
pub(crate) struct Stall {
    /// The commit index seen last, and for how many ticks.
    commit: u64,
    ticks: u64,
    /// Ticks left without a campaign of its own.
    abstain: u64,
}

impl<L: LogStore> Replica<L> {
    /// Proposes as many blocks as the adaptive rule allows: at once when nothing is in flight,
    /// otherwise only full batches, so that a loaded leader makes few large entries.
    pub(crate) fn propose(&mut self) {
        while self.may_propose() {
            let transactions = self.queue.cut();
            self.propose_block(transactions);
        }
    }

    fn may_propose(&self) -> bool {
        let raft = &self.raw.raft;
        let room = raft.uncommitted_size() + MAX_BLOCK_BYTES <= MAX_UNCOMMITTED_BYTES
            && raft.raft_log.last_index() - self.applied.index < MAX_UNAPPLIED_ENTRIES;
        if raft.state != StateRole::Leader
            || raft.lead_transferee.is_some()
            || !room
            || !self.may_lead()
        {
            return false;
        }
        match self.chain.blocks_above(raft.raft_log.committed) {
            0 => !self.queue.is_empty() || self.ledger_time_is_old(),
            in_flight => in_flight < MAX_PROPOSALS_IN_FLIGHT && self.queue.fills_a_batch(),
        }
    }

    fn ledger_time_is_old(&self) -> bool {
        self.now_ms >= self.chain.last().time_ms.saturating_add(EMPTY_BLOCK_AFTER_MS)
    }

    fn propose_block(&mut self, transactions: Vec<Vec<u8>>) {
        let previous = self.chain.last();
        let after = if mutated("time-goes-back") { 0 } else { previous.time_ms };
        let time_ms = self.now_ms.max(after + 1);
        let place = BlockPlace {
            origin: self.origin,
            term: self.raw.raft.term,
            raft_index: self.raw.raft.raft_log.last_index() + 1,
            previous: previous.content,
        };
        let content = BlockContent::new(time_ms, transactions);
        let block = Block::sign(&content, place, &self.signing_key);
        let link = Link { content: block.header.content, time_ms };
        self.raw
            .propose(Vec::new(), block.encode())
            .expect("a leader with room and no transfer under way may propose");
        self.chain.set(place.raft_index, Some(link));
    }

    /// Hands leadership to the voter with the longest log among those that answer. A failed
    /// transfer is given up by raft after an election timeout; the next attempt takes the next
    /// voter, because the first may be unfit to lead as well.
    pub(crate) fn transfer_leadership(&mut self) {
        let mut successors = self.status().peers;
        successors.retain(|peer| peer.active && self.membership.voters.contains(&peer.node));
        successors.sort_by_key(|peer| Reverse(peer.matched));
        if let Some(attempt) = self.transfers.checked_rem(successors.len()) {
            self.transfers += 1;
            self.raw.transfer_leader(successors[attempt].node);
        }
    }

    /// Whether raft gets this tick: not where it would only bring this node's own campaign nearer.
    pub(crate) fn may_tick(&mut self) -> bool {
        let raft = &self.raw.raft;
        if raft.leader_id != INVALID_ID || raft.state != StateRole::Follower {
            self.stall.abstain = 0;
        }
        self.stall.abstain = self.stall.abstain.saturating_sub(1);
        self.stall.abstain == 0 && !self.stands_still()
    }

    /// Steps down where nothing was committed for [`STALL_TICKS`]. Check-quorum does not see this:
    /// the followers answer heartbeats, but refuse the blocks (this node's clock is wrong), or this
    /// node's disk hangs. Without it such a leader would stay for ever.
    pub(crate) fn check_stall(&mut self) {
        let raft = &mut self.raw.raft;
        let uncommitted = raft.raft_log.last_index() - raft.raft_log.committed;
        let waits =
            raft.state == StateRole::Leader && self.membership.voters.len() > 1 && uncommitted > 0;
        if !waits || raft.raft_log.committed != self.stall.commit {
            self.stall.commit = raft.raft_log.committed;
            self.stall.ticks = 0;
            return;
        }
        self.stall.ticks += 1;
        if self.stall.ticks == STALL_TICKS {
            let term = raft.term;
            raft.become_follower(term, INVALID_ID);
            self.stall.ticks = 0;
            self.stall.abstain = ABSTAIN_TICKS;
            self.output.alarms.push(Alarm::Stalled { uncommitted });
        }
    }
}
