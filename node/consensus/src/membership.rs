//! The group itself: its changes as entries of the log, and the leader's part in making them.
//!
//! The registry, as [`crate::Input::Members`] tells it, says what the group is to be. The leader
//! proposes the next step towards it, never more than one at a time; whether a step takes effect is
//! decided where its entry is executed, by every node alike ([`crate::Input::Changed`]). An entry
//! that changes the group holds raft's own encoding of one change.

use precinto_protocol::{
    identity::NodeId,
    membership::{Membership, MembershipChange},
};
use prost::Message as _;
use raft::{
    ProgressState, StateRole,
    eraftpb::{ConfChange, ConfChangeType, ConfState, Entry, EntryType},
};

use crate::{
    chain::Applied, log::LogStore, mutated::mutated, replica::Replica,
    settings::PROMOTE_WITHIN_ENTRIES,
};

/// First byte of every block: a CBOR array of three. No [`ConfChange`] begins with it, because
/// that would be a field 16 in a message of four.
const BLOCK_BYTE: u8 = 0x83;

/// What kind of entry has this payload.
pub(crate) fn entry_type(payload: &[u8]) -> EntryType {
    match payload.first() {
        None | Some(&BLOCK_BYTE) => EntryType::EntryNormal,
        Some(_) => EntryType::EntryConfChange,
    }
}

/// Whether the entry holds a block.
pub(crate) fn is_block(payload: &[u8]) -> bool {
    payload.first() == Some(&BLOCK_BYTE)
}

/// The change an entry holds, if it is one this replica would propose.
pub(crate) fn change_in(entry: &Entry) -> Option<MembershipChange> {
    let decoded = ConfChange::decode(&entry.data[..]).ok()?;
    let node = decoded.node_id;
    let change = match ConfChangeType::from_i32(decoded.change_type)? {
        ConfChangeType::AddLearnerNode => MembershipChange::AddLearner(node),
        ConfChangeType::AddNode => MembershipChange::Promote(node),
        ConfChangeType::RemoveNode => MembershipChange::Remove(node),
    };
    // One encoding only: nothing can be hidden in an entry.
    let canonical = node != raft::INVALID_ID && to_raft(change).encode_to_vec() == entry.data;
    canonical.then_some(change)
}

fn to_raft(change: MembershipChange) -> ConfChange {
    let change_type = match change {
        MembershipChange::AddLearner(_) => ConfChangeType::AddLearnerNode,
        MembershipChange::Promote(_) => ConfChangeType::AddNode,
        MembershipChange::Remove(_) => ConfChangeType::RemoveNode,
    };
    ConfChange { change_type: change_type as i32, node_id: change.node(), ..ConfChange::default() }
}

pub(crate) fn conf_state(membership: &Membership) -> ConfState {
    ConfState {
        voters: membership.voters.iter().copied().collect(),
        learners: membership.learners.iter().copied().collect(),
        ..ConfState::default()
    }
}

/// The membership of a snapshot; `None` if it is none: no voters, a node in two roles, a change
/// under way.
pub(crate) fn membership_of(state: &ConfState) -> Option<Membership> {
    let membership = Membership {
        voters: state.voters.iter().copied().collect(),
        learners: state.learners.iter().copied().collect(),
    };
    let sound = conf_state(&membership) == *state
        && !membership.voters.is_empty()
        && membership.voters.is_disjoint(&membership.learners)
        && !membership.contains(raft::INVALID_ID);
    sound.then_some(membership)
}

impl<L: LogStore> Replica<L> {
    /// Proposes the next step towards what the registry wants, if this node leads and none is
    /// under way. A leader that was retired hands over: another one removes it.
    pub(crate) fn propose_change(&mut self) {
        let raft = &self.raw.raft;
        // Only who committed in its own term knows which changes are decided.
        let ready = raft.state == StateRole::Leader
            && raft.lead_transferee.is_none()
            && raft.commit_to_current_term()
            && !raft.has_pending_conf();
        if !ready {
            return;
        }
        match self.next_change() {
            None => {}
            Some(MembershipChange::Remove(node)) if node == self.node => self.transfer_leadership(),
            Some(change) => {
                let index = self.raw.raft.raft_log.last_index() + 1;
                self.raw
                    .propose_conf_change(Vec::new(), to_raft(change))
                    .expect("a leader with no transfer under way may propose");
                self.chain.set(index, None);
                let node = self.nodes.get(&change.node());
                if mutated("change-when-proposed")
                    && let Some(after) = self.membership.after(change, node)
                {
                    self.membership = after.into();
                }
            }
        }
    }

    fn next_change(&self) -> Option<MembershipChange> {
        let wanted = Membership::wanted(self.nodes.values());
        let mut steps = self.membership.steps_to(&wanted);
        steps.find(|step| match step {
            MembershipChange::Promote(node) => self.has_caught_up(*node),
            MembershipChange::AddLearner(_) | MembershipChange::Remove(_) => true,
        })
    }

    /// Whether a learner would carry its part of the quorum at once.
    fn has_caught_up(&self, node: NodeId) -> bool {
        let raft = &self.raw.raft;
        raft.prs().get(node).is_some_and(|progress| {
            progress.recent_active
                && progress.state == ProgressState::Replicate
                && progress.matched + PROMOTE_WITHIN_ENTRIES >= raft.raft_log.last_index()
        })
    }

    /// An entry with a change was executed: `membership` is in force from there on.
    pub(crate) fn changed(&mut self, applied: Applied, membership: Membership) {
        if !self.counts(&applied) {
            return;
        }
        let change = self.delivery.change(applied.index);
        let change = change.expect("an entry that was handed out with a change was executed");
        if membership != *self.membership {
            let raft = &mut self.raw.raft;
            if change == MembershipChange::Remove(self.node) && raft.state == StateRole::Leader {
                // raft cannot lead a group it is not in.
                let term = raft.term;
                raft.become_follower(term, raft::INVALID_ID);
            }
            self.raw
                .apply_conf_change(&to_raft(change))
                .expect("execution takes no change that leaves nobody to vote");
            self.membership = membership.into();
        }
        self.applied(applied);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(data: Vec<u8>) -> Entry {
        Entry { data, ..Entry::default() }
    }

    #[test]
    fn changes_are_told_from_blocks_and_have_one_encoding() {
        for change in [
            MembershipChange::AddLearner(5),
            MembershipChange::Promote(5),
            MembershipChange::Remove(u64::MAX),
        ] {
            let data = to_raft(change).encode_to_vec();
            assert_eq!(entry_type(&data), EntryType::EntryConfChange);
            assert_eq!(change_in(&entry(data.clone())), Some(change));
            let mut longer = data;
            longer.extend([0x22, 0x01, 0x00]);
            assert_eq!(change_in(&entry(longer)), None, "with a context");
        }
        let nobody = ConfChange { change_type: 1, ..ConfChange::default() };
        assert_eq!(change_in(&entry(nobody.encode_to_vec())), None);
        assert_eq!(change_in(&entry(vec![])), None);
        assert_eq!(change_in(&entry(vec![0xff; 9])), None);
        assert_eq!(entry_type(&[]), EntryType::EntryNormal);
        assert_eq!(entry_type(&[BLOCK_BYTE]), EntryType::EntryNormal);
    }

    #[test]
    fn a_group_that_is_none_is_refused() {
        let sound = ConfState { voters: vec![1, 2], learners: vec![3], ..ConfState::default() };
        assert!(membership_of(&sound).is_some_and(|group| conf_state(&group) == sound));
        for bad in [
            ConfState::default(),
            ConfState { learners: vec![2], ..sound.clone() },
            ConfState { voters: vec![1, 1], ..sound.clone() },
            ConfState { voters: vec![0, 1], ..sound.clone() },
            ConfState { voters_outgoing: vec![1], ..sound.clone() },
            ConfState { auto_leave: true, ..sound },
        ] {
            assert_eq!(membership_of(&bad), None, "{bad:?}");
        }
    }
}
