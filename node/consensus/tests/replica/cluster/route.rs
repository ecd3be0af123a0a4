//! Which messages a scenario means: of a kind, between two nodes.

use precinto_protocol::{block::Block, identity::NodeId};
use prost::Message as _;
use raft::eraftpb::{Message, MessageType};

use super::Packet;

/// Messages of one kind (all if `None`) from one node (any if `None`) to another (any if `None`).
pub(crate) struct Route {
    pub(crate) kind: Option<MessageType>,
    pub(crate) from: Option<NodeId>,
    pub(crate) to: Option<NodeId>,
}

impl Route {
    pub(crate) fn takes(&self, packet: &Packet) -> bool {
        let message = decode(packet);
        self.from.is_none_or(|from| from == packet.from)
            && self.to.is_none_or(|to| to == packet.to)
            && self.kind.is_none_or(|kind| message.msg_type == kind as i32)
    }
}

/// Breaks the signature of every block in a message.
pub(crate) fn forge(packet: &mut Packet) {
    let mut message = decode(packet);
    for entry in &mut message.entries {
        if let Ok(mut block) = Block::decode(&entry.data) {
            block.signature[0] ^= 1;
            entry.data = block.encode();
        }
    }
    packet.bytes = message.encode_to_vec();
}

/// Claims that every entry of a message is committed.
pub(crate) fn claim(packet: &mut Packet) {
    let mut message = decode(packet);
    if let Some(last) = message.entries.last() {
        message.commit = last.index;
        packet.bytes = message.encode_to_vec();
    }
}

fn decode(packet: &Packet) -> Message {
    Message::decode(&packet.bytes[..]).expect("replicas send protobuf")
}
