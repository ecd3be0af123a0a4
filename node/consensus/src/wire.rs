//! Messages between replicas: raft-rs' protobuf, and what must hold of one before raft sees it.
//!
//! raft-rs trusts its peers: an unknown message type, an entry out of order or a missing field
//! makes it panic. [`decode`] refuses everything that no honest replica sends, as far as that can
//! be seen from the message alone.

use precinto_protocol::identity::NodeId;
use prost::Message as _;
use raft::eraftpb::{EntryType, Message, MessageType};

use crate::{
    membership::{change_in, entry_type, membership_of},
    settings::{MAX_INDEX, MAX_MANIFEST_BYTES, MAX_MESSAGE_BYTES},
};

/// Length of the context that names a read round: node, seed and number of the round.
pub(crate) const READ_CONTEXT_BYTES: usize = 24;

/// Why a message was dropped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageRefusal {
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("message of {0} bytes is longer than {MAX_MESSAGE_BYTES}")]
    TooLarge(usize),
    /// No replica sends this.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
    /// Its sender is not the authenticated peer.
    #[error("message claims to come from node {0}")]
    WrongSender(NodeId),
    /// It is for another node.
    #[error("message is for node {0}")]
    WrongRecipient(NodeId),
    /// The peer is not in the group, nor a node that this one may not know as part of it yet.
    #[error("the sender is not in the group")]
    UnknownPeer,
    /// Its term cannot have been reached.
    #[error("term {0} cannot have been reached")]
    ImpossibleTerm(u64),
    /// Only the leader may send it.
    #[error("the sender is not the leader")]
    NotFromLeader,
    /// The leader counts on an entry this node acknowledged and does not have: its log was lost or
    /// replaced. It must rejoin as a new node.
    #[error("the leader counts on index {claimed}, but the log ends at {last_index}: log lost")]
    LogLost {
        /// Index the leader counts on.
        claimed: u64,
        /// End of this node's log.
        last_index: u64,
    },
    /// A replica acknowledges an entry this leader does not have.
    #[error("acknowledges index {claimed}, but the log ends at {last_index}")]
    BeyondTheLog {
        /// Index acknowledged.
        claimed: u64,
        /// End of this node's log.
        last_index: u64,
    },
    /// The leader's log differs at or below this index, up to which everything is committed here:
    /// one of the two histories is false.
    #[error("the leader's log differs from what is committed up to index {0}")]
    CommittedConflict(u64),
    /// The snapshot is for a group that this node is not in.
    #[error("snapshot for a group without this node")]
    OtherGroup,
}

pub(crate) fn encode(message: &Message) -> Vec<u8> {
    message.encode_to_vec()
}

/// The message in `bytes`, well formed, from `peer` to `node`.
pub(crate) fn decode(
    bytes: &[u8],
    peer: NodeId,
    node: NodeId,
) -> Result<(MessageType, Message), MessageRefusal> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(MessageRefusal::TooLarge(bytes.len()));
    }
    let message = Message::decode(bytes).map_err(|_| MessageRefusal::Malformed("not protobuf"))?;
    if message.from != peer || message.from == node {
        return Err(MessageRefusal::WrongSender(message.from));
    }
    if message.to != node {
        return Err(MessageRefusal::WrongRecipient(message.to));
    }
    let kind = well_formed(&message).map_err(MessageRefusal::Malformed)?;
    Ok((kind, message))
}

fn well_formed(message: &Message) -> Result<MessageType, &'static str> {
    let kind = MessageType::from_i32(message.msg_type).ok_or("unknown type")?;
    let indices = [message.index, message.commit, message.reject_hint, message.term];
    if indices.into_iter().any(|index| index > MAX_INDEX) {
        return Err("number out of range");
    }
    if message.context.len() > READ_CONTEXT_BYTES {
        return Err("long context");
    }
    if message.request_snapshot != 0 {
        return Err("requests a snapshot");
    }
    // raft-rs takes a message without a term for one of its own.
    if (message.term == 0) != (kind == MessageType::MsgReadIndex) {
        return Err("term is missing or out of place");
    }
    match kind {
        MessageType::MsgAppend => append_is_well_formed(message)?,
        MessageType::MsgSnapshot => snapshot_is_well_formed(message)?,
        MessageType::MsgReadIndex | MessageType::MsgReadIndexResp => read_is_well_formed(message)?,
        MessageType::MsgAppendResponse
        | MessageType::MsgRequestVote
        | MessageType::MsgRequestVoteResponse
        | MessageType::MsgRequestPreVote
        | MessageType::MsgRequestPreVoteResponse
        | MessageType::MsgHeartbeat
        | MessageType::MsgHeartbeatResponse
        | MessageType::MsgTimeoutNow => {}
        // Local messages, and what this replica never forwards.
        _ => return Err("of a type that is not sent between nodes"),
    }
    let carries_entries = matches!(
        kind,
        MessageType::MsgAppend | MessageType::MsgReadIndex | MessageType::MsgReadIndexResp
    );
    if !carries_entries && !message.entries.is_empty() {
        return Err("entries out of place");
    }
    Ok(kind)
}

/// Entries follow each other and the entry they are appended to; terms never decrease.
fn append_is_well_formed(message: &Message) -> Result<(), &'static str> {
    if (message.index == 0) != (message.log_term == 0) {
        return Err("previous entry without a term");
    }
    let (mut index, mut term) = (message.index, message.log_term);
    for entry in &message.entries {
        if entry.index != index + 1 || entry.term < term.max(1) {
            return Err("entries out of order");
        }
        if entry.entry_type != entry_type(&entry.data) as i32 || !entry.context.is_empty() {
            return Err("entry of an unknown kind");
        }
        if entry.entry_type == EntryType::EntryConfChange as i32 && change_in(entry).is_none() {
            return Err("change of the group that no replica proposes");
        }
        (index, term) = (entry.index, entry.term);
    }
    if term > message.term { Err("entry of a later term") } else { Ok(()) }
}

fn snapshot_is_well_formed(message: &Message) -> Result<(), &'static str> {
    let snapshot = message.get_snapshot();
    let metadata = snapshot.get_metadata();
    if metadata.index == 0 || metadata.index > MAX_INDEX {
        return Err("snapshot of nothing");
    }
    if metadata.term == 0 || metadata.term > message.term {
        return Err("snapshot of a later term");
    }
    if membership_of(metadata.get_conf_state()).is_none() {
        return Err("snapshot for no group");
    }
    if snapshot.data.len() > MAX_MANIFEST_BYTES {
        return Err("long snapshot manifest");
    }
    Ok(())
}

fn read_is_well_formed(message: &Message) -> Result<(), &'static str> {
    match &message.entries[..] {
        [entry] if entry.data.len() == READ_CONTEXT_BYTES => Ok(()),
        _ => Err("read without its context"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft::eraftpb::{Entry, Snapshot, SnapshotMetadata};

    fn message(kind: MessageType) -> Message {
        Message { msg_type: kind as i32, from: 2, to: 1, term: 5, ..Message::default() }
    }

    fn append(entries: &[(u64, u64)]) -> Message {
        let entry = |&(index, term): &(u64, u64)| Entry { index, term, ..Entry::default() };
        let entries = entries.iter().map(entry).collect();
        Message { index: 3, log_term: 2, entries, ..message(MessageType::MsgAppend) }
    }

    fn refusal(message: &Message) -> Option<MessageRefusal> {
        decode(&encode(message), 2, 1).err()
    }

    #[test]
    fn what_replicas_send_is_accepted() {
        assert_eq!(refusal(&append(&[(4, 2), (5, 5)])), None);
        assert_eq!(refusal(&append(&[])), None);
        assert_eq!(refusal(&message(MessageType::MsgHeartbeat)), None);
        let mut metadata = SnapshotMetadata { index: 9, term: 5, ..SnapshotMetadata::default() };
        metadata.mut_conf_state().voters = vec![1, 2];
        let snapshot = Some(Snapshot { metadata: Some(metadata), ..Snapshot::default() });
        assert_eq!(refusal(&Message { snapshot, ..message(MessageType::MsgSnapshot) }), None);
        let context = Entry { data: vec![0; READ_CONTEXT_BYTES], ..Entry::default() };
        let read = message(MessageType::MsgReadIndex);
        assert_eq!(refusal(&Message { term: 0, entries: vec![context], ..read }), None);
    }

    #[test]
    fn parties_are_checked() {
        let message = message(MessageType::MsgHeartbeat);
        let forged = Message { from: 3, ..message.clone() };
        assert_eq!(refusal(&forged), Some(MessageRefusal::WrongSender(3)));
        let astray = Message { to: 3, ..message };
        assert_eq!(refusal(&astray), Some(MessageRefusal::WrongRecipient(3)));
    }

    #[test]
    fn what_would_panic_in_raft_is_refused() {
        let bad = [
            Message { msg_type: 99, ..message(MessageType::MsgHeartbeat) },
            Message { term: 0, ..message(MessageType::MsgHeartbeat) },
            Message { commit: u64::MAX, ..message(MessageType::MsgHeartbeat) },
            Message { term: u64::MAX, ..message(MessageType::MsgRequestVote) },
            append(&[(5, 2)]),
            append(&[(4, 2), (6, 2)]),
            append(&[(4, 3), (5, 2)]),
            append(&[(4, 6)]),
            Message { log_term: 0, ..append(&[(4, 1)]) },
            Message { term: 0, ..message(MessageType::MsgReadIndex) },
            message(MessageType::MsgReadIndexResp),
            message(MessageType::MsgSnapshot),
            message(MessageType::MsgPropose),
            message(MessageType::MsgHup),
            message(MessageType::MsgTransferLeader),
            Message { entries: vec![Entry::default()], ..message(MessageType::MsgHeartbeat) },
        ];
        for message in bad {
            let refusal = refusal(&message);
            assert!(
                matches!(refusal, Some(MessageRefusal::Malformed(_))),
                "{message:?}: {refusal:?}"
            );
        }
        let mut configuration_change = append(&[(4, 2)]);
        let entry = &mut configuration_change.entries[0];
        entry.entry_type = EntryType::EntryConfChange as i32;
        entry.data = vec![0x18, 0x05];
        assert_eq!(refusal(&configuration_change), None, "node 5 becomes a voter");
        for (kind, data) in [
            (EntryType::EntryConfChange, vec![]),
            (EntryType::EntryConfChange, vec![0x18, 0x00]),
            (EntryType::EntryConfChange, vec![0xff]),
            (EntryType::EntryConfChangeV2, vec![0x18, 0x05]),
            (EntryType::EntryNormal, vec![0x18, 0x05]),
            (EntryType::EntryConfChange, vec![0x83]),
        ] {
            let entry = &mut configuration_change.entries[0];
            (entry.entry_type, entry.data) = (kind as i32, data);
            assert!(refusal(&configuration_change).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        let garbage = decode(&[0xff; 40], 2, 1);
        assert_eq!(garbage, Err(MessageRefusal::Malformed("not protobuf")));
        let large = decode(&vec![0; MAX_MESSAGE_BYTES + 1], 2, 1);
        assert_eq!(large, Err(MessageRefusal::TooLarge(MAX_MESSAGE_BYTES + 1)));
    }
}
