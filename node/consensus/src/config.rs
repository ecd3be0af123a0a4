//! What a replica is started with, and why it may refuse to start.

use std::collections::BTreeSet;

use precinto_protocol::{
    block::{BlockError, Origin},
    identity::NodeId,
    keys::SigningKey,
    membership::Membership,
    registry::Node,
};
use raft::ReadOnlyOption;

use crate::{log::LogError, settings};

/// What a replica is started with.
#[derive(Debug)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// The group, as of the last entry executed.
    pub membership: Membership,
    /// The registry's nodes; later changes come as [`crate::Input::Members`].
    pub nodes: Vec<Node>,
    /// Nodes that are said to be registered by now; later ones come as [`crate::Input::Contacts`].
    pub contacts: BTreeSet<NodeId>,
    /// This node's key, to sign the blocks it proposes.
    pub signing_key: SigningKey,
    /// Channel and epoch, in every block's header.
    pub origin: Origin,
    /// Fresh randomness at every start: it spreads elections, and tells this run's reads from those
    /// of an earlier one.
    pub seed: u64,
    /// What is kept below the synced ledger height; the default unless there is a reason.
    pub margin: Margin,
}

/// What a log keeps below the synced ledger height for followers that were away: entries, and bytes of
/// their payloads, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margin {
    /// Entries.
    pub entries: u64,
    /// Bytes. Entries from before the start count as nothing: their sizes are not known.
    pub bytes: u64,
}

impl Default for Margin {
    fn default() -> Margin {
        Margin { entries: settings::MARGIN_ENTRIES, bytes: settings::MARGIN_BYTES }
    }
}

/// Why a replica did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log lacks entries that were executed or committed.
    #[error(
        "the raft log ends at {last_index}, but index {known} is committed: the log was lost; \
         rejoin as a new node"
    )]
    LogLost {
        /// End of the log.
        last_index: u64,
        /// Index known to be committed.
        known: u64,
    },
    /// The log and the ledger do not belong together.
    #[error(
        "the ledger executed index {index} of term {applied_term}, but the raft log has term \
         {log_term} there: the log was replaced; rejoin as a new node"
    )]
    LogReplaced {
        /// The applied index.
        index: u64,
        /// Its term in the ledger.
        applied_term: u64,
        /// Its term in the log.
        log_term: u64,
    },
    /// The entries between the ledger and the log have been compacted.
    #[error(
        "the ledger ends at index {applied}, but the raft log starts at {first_index}: the ledger \
         was lost; rejoin as a new node"
    )]
    LedgerLost {
        /// The applied index.
        applied: u64,
        /// Start of the log.
        first_index: u64,
    },
    /// An entry of the log is not a block.
    #[error("entry {index} of the raft log is damaged: {error}")]
    Damaged {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        error: BlockError,
    },
    /// The group has no voter or a node in two roles, or this node is not registered.
    #[error("node {0} and the group do not fit: no voters, a node in two roles, or not registered")]
    Group(NodeId),
    /// The signing key is not the one the other nodes know.
    #[error("the signing key is not the one registered for node {0}")]
    WrongKey(NodeId),
    /// The log cannot be read.
    #[error("the raft log cannot be read: {0}")]
    Read(#[from] LogError),
    /// raft-rs refused the state.
    #[error(transparent)]
    Raft(#[from] raft::Error),
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let Membership { voters, learners } = &self.membership;
        let own = self.nodes.iter().find(|node| node.id == self.node);
        let known = own.is_some() || self.contacts.contains(&self.node);
        if !known || voters.is_empty() || !voters.is_disjoint(learners) {
            return Err(StartError::Group(self.node));
        }
        let key = self.signing_key.public().to_bytes();
        match own.is_none_or(|own| own.identity_key == key) {
            true => Ok(()),
            false => Err(StartError::WrongKey(self.node)),
        }
    }

    pub(crate) fn raft(&self, applied: u64) -> raft::Config {
        raft::Config {
            id: self.node,
            applied,
            heartbeat_tick: settings::HEARTBEAT_TICKS,
            election_tick: settings::ELECTION_TICKS,
            min_election_tick: settings::ELECTION_TICKS,
            max_election_tick: 2 * settings::ELECTION_TICKS,
            max_size_per_msg: settings::MAX_APPEND_BYTES,
            max_inflight_msgs: settings::MAX_APPENDS_IN_FLIGHT,
            max_uncommitted_size: settings::MAX_UNCOMMITTED_BYTES as u64,
            max_committed_size_per_ready: settings::MAX_COMMITTED_BYTES_PER_READY,
            check_quorum: true,
            pre_vote: true,
            read_only_option: ReadOnlyOption::Safe,
            ..raft::Config::default()
        }
    }
}

/// Ticks without a leader after which `node` campaigns in `term`: a pure function, so that a run
/// can be repeated.
pub(crate) fn election_timeout(seed: u64, node: NodeId, term: u64) -> usize {
    let drawn = mix(seed ^ mix(node ^ mix(term)));
    settings::ELECTION_TICKS + (drawn % settings::ELECTION_TICKS as u64) as usize
}

/// SplitMix64's output function: every bit of the result depends on every bit of the input.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn election_timeouts_spread_over_their_range() {
        let drawn: BTreeSet<_> = (0..200).map(|term| election_timeout(7, 1, term)).collect();
        assert_eq!(drawn, (10..20).collect());
        assert_ne!(
            (0..20).map(|term| election_timeout(7, 1, term)).collect::<Vec<_>>(),
            (0..20).map(|term| election_timeout(7, 2, term)).collect::<Vec<_>>(),
        );
    }
}
