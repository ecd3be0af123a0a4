//! The first frame of every stream: who writes, and on which ledger.

use minicbor::{Decode, Encode};
use precinto_protocol::{hash::Hash, identity::NodeId};

/// Random id of a node's storage, written when it was created. A copied, restored or wiped disk
/// shows as another id.
pub type StorageId = [u8; 16];

/// Largest encoded hello, in bytes: two hashes, three numbers, an id, and room to grow.
pub(crate) const MAX_HELLO_BYTES: usize = 256;

/// What a node says about itself at the start of every stream, as deterministic CBOR.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello {
    /// Hash of the channel's genesis.
    #[n(0)]
    pub genesis: Hash,
    /// The protocol version the node executes.
    #[n(1)]
    pub protocol_version: u32,
    /// Fingerprint of the contract engine; a difference is warned about, roots decide.
    #[n(2)]
    pub engine_fingerprint: Hash,
    /// The node's id within the channel.
    #[n(3)]
    pub node: NodeId,
    /// The node's storage.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub storage_id: StorageId,
}

/// Why a peer that is on the allow-list was refused all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The first frame was not a hello.
    #[error("its first frame is not a hello")]
    Malformed,
    /// It belongs to another ledger.
    #[error("its genesis is {0}")]
    Genesis(Hash),
    /// It speaks another protocol version.
    #[error("its protocol version is {0}")]
    ProtocolVersion(u32),
    /// The node id it claims is not the one its key belongs to.
    #[error("it claims to be node {0}")]
    Node(NodeId),
    /// Its storage is not the one known for this node: wiped, restored or copied. Such a node
    /// joins as a new one.
    #[error("its storage id is not the one known for this node")]
    Storage,
}

impl Hello {
    /// Checks a peer's hello against our own, the node id that belongs to its key, and the
    /// storage id known for it.
    pub(crate) fn check(
        &self,
        ours: &Hello,
        node: NodeId,
        storage_id: Option<StorageId>,
    ) -> Result<(), Refusal> {
        if self.genesis != ours.genesis {
            return Err(Refusal::Genesis(self.genesis));
        }
        if self.protocol_version != ours.protocol_version {
            return Err(Refusal::ProtocolVersion(self.protocol_version));
        }
        if self.node != node {
            return Err(Refusal::Node(self.node));
        }
        if storage_id.is_some_and(|known| known != self.storage_id) {
            return Err(Refusal::Storage);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::cbor;

    fn hello() -> Hello {
        Hello {
            genesis: Hash([1; 32]),
            protocol_version: u32::MAX,
            engine_fingerprint: Hash([2; 32]),
            node: NodeId::MAX,
            storage_id: [3; 16],
        }
    }

    #[test]
    fn the_longest_hello_fits_and_round_trips() {
        let bytes = cbor::encode(&hello());
        assert!(bytes.len() <= MAX_HELLO_BYTES);
        assert_eq!(cbor::decode(&bytes), Ok(hello()));
    }

    #[test]
    fn each_difference_is_refused_with_its_reason_and_the_engine_is_not() {
        let ours = Hello { node: 1, ..hello() };
        let theirs = Hello { node: 2, ..hello() };
        let check = |hello: Hello| hello.check(&ours, 2, Some([3; 16]));
        assert_eq!(check(theirs), Ok(()));
        assert_eq!(check(Hello { engine_fingerprint: Hash::ZERO, ..theirs }), Ok(()));
        assert_eq!(
            check(Hello { genesis: Hash::ZERO, ..theirs }),
            Err(Refusal::Genesis(Hash::ZERO))
        );
        assert_eq!(
            check(Hello { protocol_version: 7, ..theirs }),
            Err(Refusal::ProtocolVersion(7))
        );
        assert_eq!(check(Hello { node: 3, ..theirs }), Err(Refusal::Node(3)));
        assert_eq!(check(Hello { storage_id: [4; 16], ..theirs }), Err(Refusal::Storage));
        assert_eq!(theirs.check(&ours, 2, None), Ok(()));
    }
}
