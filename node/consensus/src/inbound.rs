//! Messages from peers: checked against this replica's state, then stepped.

use precinto_protocol::{identity::NodeId, registry::Node};
use raft::{
    StateRole,
    eraftpb::{Message, MessageType},
};

use crate::{
    chain::{BlockRefusal, Link, Verifier},
    io::Alarm,
    log::LogStore,
    membership::{is_block, membership_of},
    reads::is_context_of,
    replica::Replica,
    settings::{MAX_FORWARDED_READS, MAX_TERM_JUMP},
    wire::{self, MessageRefusal},
};

/// New entries of an append and the blocks they hold.
type NewLinks = Vec<(u64, Option<Link>)>;

impl<L: LogStore> Replica<L> {
    pub(crate) fn receive(&mut self, from: NodeId, bytes: &[u8]) {
        let admitted = wire::decode(bytes, from, self.node).and_then(|(kind, message)| {
            self.admit(kind, &message)?;
            Ok((kind, message))
        });
        match admitted {
            Ok((kind, message)) if self.is_unfit_for(kind, &message) => {}
            Ok((MessageType::MsgAppend, message)) => self.receive_append(message),
            Ok((MessageType::MsgSnapshot, message)) => self.receive_snapshot(message),
            Ok((MessageType::MsgReadIndex, message)) => self.receive_read(message),
            Ok((_, message)) => self.step(message),
            Err(reason) => self.refuse(Alarm::Message { from, reason }),
        }
    }

    /// What this node, as it is now, takes as if it were lost on the way: the leader tries again, or
    /// asks another voter to take over.
    fn is_unfit_for(&self, kind: MessageType, message: &Message) -> bool {
        match kind {
            MessageType::MsgAppend => !self.takes_entries() && !message.entries.is_empty(),
            MessageType::MsgSnapshot => !self.takes_entries(),
            MessageType::MsgTimeoutNow => !self.may_lead(),
            _ => false,
        }
    }

    fn refuse(&mut self, alarm: Alarm) {
        self.refused_messages += 1;
        self.output.alarms.push(alarm);
    }

    pub(crate) fn step(&mut self, message: Message) {
        // The errors left are a response from a peer that is not tracked, and a dropped proposal:
        // neither gets here.
        let stepped = self.raw.step(message);
        debug_assert!(stepped.is_ok(), "an admitted message was refused: {stepped:?}");
    }

    /// What an honest peer does not send to a replica in this state, or what would break raft's
    /// own invariants.
    fn admit(&self, kind: MessageType, message: &Message) -> Result<(), MessageRefusal> {
        let raft = &self.raw.raft;
        let last_index = raft.raft_log.last_index();
        if !self.may_send(kind, message.from) {
            return Err(MessageRefusal::UnknownPeer);
        }
        if message.term > raft.term + MAX_TERM_JUMP {
            return Err(MessageRefusal::ImpossibleTerm(message.term));
        }
        let current = message.term >= raft.term;
        let from_leader = message.from == raft.leader_id && message.term == raft.term;
        match kind {
            MessageType::MsgHeartbeat if current && message.commit > last_index => {
                Err(MessageRefusal::LogLost { claimed: message.commit, last_index })
            }
            MessageType::MsgAppend | MessageType::MsgSnapshot
                if current && self.contradicts_committed(message) =>
            {
                Err(MessageRefusal::CommittedConflict(raft.raft_log.committed))
            }
            MessageType::MsgAppendResponse if !message.reject && message.index > last_index => {
                Err(MessageRefusal::BeyondTheLog { claimed: message.index, last_index })
            }
            MessageType::MsgTimeoutNow | MessageType::MsgReadIndexResp
                if current && !from_leader =>
            {
                Err(MessageRefusal::NotFromLeader)
            }
            MessageType::MsgReadIndex if !is_context_of(&message.entries[0].data, message.from) => {
                Err(MessageRefusal::Malformed("read of another node"))
            }
            MessageType::MsgSnapshot
                if !membership_of(message.get_snapshot().get_metadata().get_conf_state())
                    .is_some_and(|group| group.contains(self.node)) =>
            {
                Err(MessageRefusal::OtherGroup)
            }
            _ => Ok(()),
        }
    }

    /// A node that joins, or was away, does not know yet who came into the group meanwhile: it
    /// listens to every node that is, or is said to be, registered. Only an answer is for the group alone.
    fn may_send(&self, kind: MessageType, peer: NodeId) -> bool {
        let is_answer = matches!(
            kind,
            MessageType::MsgAppendResponse
                | MessageType::MsgHeartbeatResponse
                | MessageType::MsgRequestVoteResponse
                | MessageType::MsgRequestPreVoteResponse
        );
        let registered =
            || self.nodes.get(&peer).map_or(self.contacts.contains(&peer), Node::is_active);
        self.raw.raft.prs().get(peer).is_some() || (!is_answer && registered())
    }

    /// Whether an append or snapshot builds on, or holds, another entry than the one committed here.
    fn contradicts_committed(&self, message: &Message) -> bool {
        let log = &self.raw.raft.raft_log;
        let differs = |index, term| {
            (log.first_index()..=log.committed).contains(&index) && !log.match_term(index, term)
        };
        let snapshot = message.get_snapshot().get_metadata();
        differs(message.index, message.log_term)
            || differs(snapshot.index, snapshot.term)
            || message.entries.iter().any(|entry| differs(entry.index, entry.term))
    }

    /// Only a leader knows; and no peer may fill its memory with reads.
    fn receive_read(&mut self, message: Message) {
        let raft = &self.raw.raft;
        if raft.state == StateRole::Leader && raft.pending_read_count() < MAX_FORWARDED_READS {
            self.step(message);
        }
    }

    /// Verifies every new block before raft sees it; one bad block drops the whole message.
    fn receive_append(&mut self, mut message: Message) {
        match self.verify_append(&mut message) {
            Err(alarm) => self.refuse(alarm),
            Ok(links) => {
                let last = message.entries.last().map(|entry| (entry.index, entry.term));
                self.step(message);
                // raft appends all or, where it turned the message down, nothing.
                if last.is_some_and(|(index, term)| self.raw.raft.raft_log.match_term(index, term))
                {
                    for (index, block) in links {
                        self.chain.set(index, block);
                    }
                }
            }
        }
    }

    /// The entries of an append that are not in the log yet, verified; none where raft will answer
    /// without appending. The message is cut before a block of a leader who is not known: its
    /// registration may be in the blocks before, which have to be executed first.
    fn verify_append(&self, message: &mut Message) -> Result<NewLinks, Alarm> {
        let raft = &self.raw.raft;
        let log = &raft.raft_log;
        let appends = message.term >= raft.term
            && message.index >= log.committed
            && log.match_term(message.index, message.log_term);
        if !appends {
            return Ok(Vec::new());
        }
        // That a quorum accepted the new blocks is the leader's word. Only a node whose own clock is
        // known to be wrong takes it: to any other, an honest quorum's blocks are not far ahead.
        let told = if self.may_lead() { 0 } else { message.commit };
        let verifier = Verifier {
            origin: self.origin,
            keys: &self.keys,
            now_ms: self.now_ms,
            accepted: log.committed.max(told),
        };
        let known = |index, term| log.match_term(index, term);
        let is_known = message.entries.iter().take_while(|entry| known(entry.index, entry.term));
        let skip = is_known.count();
        let mut previous = self.chain.at(message.index + skip as u64);
        let mut links = Vec::with_capacity(message.entries.len() - skip);
        for entry in &message.entries[skip..] {
            let mut link = None;
            if is_block(&entry.data) {
                let checked = match verifier.check(entry, previous) {
                    Err(BlockRefusal::UnknownLeader(_)) if !links.is_empty() => break,
                    Err(reason) => {
                        let (from, index) = (message.from, entry.index);
                        return Err(Alarm::Block { from, index, reason });
                    }
                    Ok(checked) => checked,
                };
                previous = checked;
                link = Some(checked);
            }
            links.push((entry.index, link));
        }
        message.entries.truncate(skip + links.len());
        Ok(links)
    }
}
