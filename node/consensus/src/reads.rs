//! Linearizable reads: rounds of read index requests, each shared by all reads that waited for it.

use std::collections::VecDeque;

use precinto_protocol::identity::NodeId;
use raft::StateRole;

use crate::{
    io::ReadOutcome,
    log::LogStore,
    mutated::mutated,
    replica::Replica,
    settings::{MAX_READ_ROUNDS, MAX_READS, READ_TIMEOUT_TICKS},
    wire::READ_CONTEXT_BYTES,
};

/// Context of a round: unique over nodes and their restarts, because the leader answers a context it
/// already knows with the index it read before.
fn context(node: NodeId, seed: u64, round: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(READ_CONTEXT_BYTES);
    for part in [node, seed, round] {
        bytes.extend(part.to_be_bytes());
    }
    bytes
}

/// Whether `node` made this context.
pub(crate) fn is_context_of(context: &[u8], node: NodeId) -> bool {
    context.starts_with(&node.to_be_bytes())
}

struct Round {
    context: Vec<u8>,
    reads: Vec<u64>,
    since_tick: u64,
}

/// Reads on their way: queued, asked in a round, waiting for execution.
pub(crate) struct Reads {
    node: NodeId,
    seed: u64,
    rounds_begun: u64,
    count: usize,
    queued: Vec<u64>,
    rounds: VecDeque<Round>,
    waiting: Vec<(u64, Vec<u64>)>,
}

impl Reads {
    pub(crate) fn new(node: NodeId, seed: u64) -> Reads {
        Reads {
            node,
            seed,
            rounds_begun: 0,
            count: 0,
            queued: Vec::new(),
            rounds: VecDeque::new(),
            waiting: Vec::new(),
        }
    }

    /// False if there are too many.
    pub(crate) fn push(&mut self, read: u64) -> bool {
        let room = self.count < MAX_READS;
        if room {
            self.count += 1;
            self.queued.push(read);
        }
        room
    }

    fn begin_round(&mut self, tick: u64) -> Option<Vec<u8>> {
        if self.queued.is_empty() || self.rounds.len() == MAX_READ_ROUNDS {
            return None;
        }
        self.rounds_begun += 1;
        let context = context(self.node, self.seed, self.rounds_begun);
        let reads = std::mem::take(&mut self.queued);
        self.rounds.push_back(Round { context: context.clone(), reads, since_tick: tick });
        Some(context)
    }

    /// The leader of the time confirmed that everything up to `index` covers this round. Answers to
    /// rounds already given up are ignored.
    pub(crate) fn confirmed(&mut self, context: &[u8], index: u64) {
        if let Some(at) = self.rounds.iter().position(|round| round.context == context) {
            let round = self.rounds.remove(at).expect("position is within");
            self.waiting.push((index, round.reads));
        }
    }

    fn take_ready(&mut self, applied: u64) -> Vec<u64> {
        let ready = self.waiting.extract_if(.., |(index, _)| *index <= applied);
        let reads: Vec<u64> = ready.flat_map(|(_, reads)| reads).collect();
        self.count -= reads.len();
        reads
    }

    fn take_queued(&mut self) -> Vec<u64> {
        self.count -= self.queued.len();
        std::mem::take(&mut self.queued)
    }

    /// Rounds begun at or before `tick`.
    fn take_rounds_since(&mut self, tick: u64) -> Vec<u64> {
        let old = self.rounds.iter().take_while(|round| round.since_tick <= tick).count();
        let reads: Vec<u64> = self.rounds.drain(..old).flat_map(|round| round.reads).collect();
        self.count -= reads.len();
        reads
    }
}

impl<L: LogStore> Replica<L> {
    pub(crate) fn read(&mut self, read: u64) {
        if !self.reads.push(read) {
            self.answer(vec![read], false);
        }
    }

    /// Begins a round for the reads queued, or fails them where raft would drop the request without
    /// a word: a leader that has not committed in its term, or nobody to ask.
    pub(crate) fn ask_reads(&mut self) {
        let raft = &self.raw.raft;
        let can_ask = match raft.state {
            StateRole::Leader => raft.commit_to_current_term(),
            StateRole::Follower => raft.leader_id != raft::INVALID_ID,
            StateRole::Candidate | StateRole::PreCandidate => false,
        };
        if !can_ask {
            let reads = self.reads.take_queued();
            self.answer(reads, false);
        } else if let Some(context) = self.reads.begin_round(self.ticks) {
            let alone = mutated("leader-reads-alone") && raft.state == StateRole::Leader;
            if alone || mutated("read-without-quorum") {
                self.reads.confirmed(&context, raft.raft_log.committed);
            }
            self.raw.read_index(context);
        }
    }

    /// Answers the reads whose index has been executed.
    pub(crate) fn finish_reads(&mut self) {
        let early = mutated("read-before-applied");
        let reads = self.reads.take_ready(if early { u64::MAX } else { self.applied.index });
        self.answer(reads, true);
    }

    /// Gives up rounds nobody answered.
    pub(crate) fn expire_reads(&mut self) {
        if let Some(tick) = self.ticks.checked_sub(READ_TIMEOUT_TICKS) {
            let reads = self.reads.take_rounds_since(tick);
            self.answer(reads, false);
        }
    }

    /// Gives up all rounds: who was asked no longer leads.
    pub(crate) fn fail_rounds(&mut self) {
        let reads = self.reads.take_rounds_since(self.ticks);
        self.answer(reads, false);
    }

    fn answer(&mut self, reads: Vec<u64>, ready: bool) {
        self.output.reads.extend(reads.into_iter().map(|read| ReadOutcome { read, ready }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_share_rounds_and_wait_for_execution() {
        let mut reads = Reads::new(1, 7);
        assert!(reads.push(10) && reads.push(11));
        let first = reads.begin_round(0).expect("reads are queued");
        assert!(is_context_of(&first, 1) && !is_context_of(&first, 2));
        assert!(reads.begin_round(0).is_none());
        assert!(reads.push(12));
        let second = reads.begin_round(5).expect("reads are queued");
        assert_ne!(first, second);
        reads.confirmed(&first, 4);
        reads.confirmed(&first, 4);
        assert_eq!(reads.take_ready(3), []);
        assert_eq!(reads.take_ready(4), [10, 11]);
        assert_eq!(reads.take_rounds_since(4), []);
        assert_eq!(reads.take_rounds_since(5), [12]);
        assert_eq!(reads.count, 0);
    }

    #[test]
    fn rounds_and_reads_are_bounded() {
        let mut reads = Reads::new(1, 7);
        for read in 0..MAX_READ_ROUNDS as u64 {
            assert!(reads.push(read));
            assert!(reads.begin_round(0).is_some());
        }
        for read in reads.count..MAX_READS {
            assert!(reads.push(read as u64));
        }
        assert!(reads.begin_round(0).is_none());
        assert!(!reads.push(0));
    }
}
