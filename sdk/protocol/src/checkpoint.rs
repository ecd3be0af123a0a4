//! Checkpoints: a node's signature over the log's origin, size and root, in the formats of the
//! transparency-log community, so that existing witnesses and monitors can read and cosign them.
//!
//! A [`Checkpoint`] is the C2SP `tlog-checkpoint` body; a [`SignedCheckpoint`] is one node's C2SP
//! `cosignature/v1` over it, made with the node's attestation key. [`Note`] is the text that holds
//! a checkpoint with any number of signature lines.
//!
//! Two checkpoints of one node that [conflict](Checkpoint::conflicts_with) are portable evidence
//! that it lied. A missing or failing proof never is.

mod note;

pub use note::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature};

use alloc::{format, string::String};

use base64ct::{Base64, Encoding};
use minicbor::{Decode, Encode};

#[cfg(feature = "signatures")]
use crate::keys::{PublicKey, SigningKey};
use crate::{
    hash::{Hash, sha256},
    identity::NodeId,
    log::roots_from_consistency,
};

/// Type byte of timestamped Ed25519 cosignatures (C2SP signed-note).
const COSIGNATURE_TYPE: u8 = 0x04;

/// Cosignature times stay below 2^63 (C2SP tlog-cosignature).
const MAX_TIME_S: u64 = (1 << 63) - 1;

/// The state of a log at one size. CBOR `[genesis, epoch, size, root]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    /// Hash of the channel's genesis.
    #[n(0)]
    pub genesis: Hash,
    /// Number of quorum-loss recoveries the channel went through.
    #[n(1)]
    pub epoch: u64,
    /// Leaves in the log.
    #[n(2)]
    pub size: u64,
    /// RFC 6962 root over them.
    #[n(3)]
    pub root: Hash,
}

impl Checkpoint {
    /// The log's name: `precinto/<genesis hash>/<epoch>`.
    pub fn origin(&self) -> String {
        format!("precinto/{}/{}", self.genesis, self.epoch)
    }

    /// The name under which a node of this channel signs: `precinto/<genesis hash>/node/<id>`.
    pub fn cosigner(&self, node: NodeId) -> String {
        format!("precinto/{}/node/{node}", self.genesis)
    }

    /// The note text: origin, size and base64 root, one line each (C2SP tlog-checkpoint).
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.size, Base64::encode_string(&self.root.0))
    }

    /// Reads a note text. Only the bytes that [`Checkpoint::body`] gives are accepted: no extension
    /// lines, no other origin than a Precinto channel's.
    ///
    /// # Errors
    /// [`NoteError::NotACheckpoint`].
    pub fn parse_body(text: &str) -> Result<Checkpoint, NoteError> {
        let checkpoint = parse_lines(text).ok_or(NoteError::NotACheckpoint)?;
        // Refuses signs, leading zeros and whatever else the parts' parsers tolerate.
        if checkpoint.body() == text { Ok(checkpoint) } else { Err(NoteError::NotACheckpoint) }
    }

    /// Whether the two contradict each other: same log and size, another root.
    pub fn conflicts_with(&self, other: &Checkpoint) -> bool {
        self.same_log(other) && self.size == other.size && self.root != other.root
    }

    /// Whether `path` (a [`consistency_path`](crate::log::consistency_path)) shows that the larger
    /// log does not begin with this smaller one: it recomputes the larger root, but yields another
    /// root for the smaller size.
    pub fn conflicts_along(&self, larger: &Checkpoint, path: &[Hash]) -> bool {
        self.same_log(larger)
            && roots_from_consistency(self.size, larger.size, path)
                .is_ok_and(|(smaller, root)| root == larger.root && smaller != self.root)
    }

    fn same_log(&self, other: &Checkpoint) -> bool {
        self.genesis == other.genesis && self.epoch == other.epoch
    }

    /// What a cosignature signs (C2SP tlog-cosignature, `cosignature/v1`).
    #[cfg(feature = "signatures")]
    fn cosigned_message(&self, time_s: u64) -> String {
        format!("cosignature/v1\ntime {time_s}\n{}", self.body())
    }
}

fn parse_lines(text: &str) -> Option<Checkpoint> {
    let mut lines = text.split('\n');
    let (genesis, epoch) = lines.next()?.strip_prefix("precinto/")?.split_once('/')?;
    let size = lines.next()?.parse().ok()?;
    let mut root = Hash::ZERO;
    let decoded = Base64::decode(lines.next()?, &mut root.0).ok()?;
    if decoded.len() != root.0.len() {
        return None;
    }
    Some(Checkpoint { genesis: genesis.parse().ok()?, epoch: epoch.parse().ok()?, size, root })
}

/// A node's cosignature of a checkpoint. CBOR `[checkpoint, node, time_s, signature]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SignedCheckpoint {
    /// What it signed.
    #[n(0)]
    pub checkpoint: Checkpoint,
    /// The node that signed.
    #[n(1)]
    pub node: NodeId,
    /// When: seconds since the Unix epoch, by the node's clock.
    #[n(2)]
    pub time_s: u64,
    /// Ed25519 signature by the node's attestation key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl SignedCheckpoint {
    /// Signs `checkpoint` with a node's attestation key, at `time_s` seconds since the Unix epoch.
    #[cfg(feature = "signatures")]
    pub fn sign(
        checkpoint: Checkpoint,
        node: NodeId,
        time_s: u64,
        key: &SigningKey,
    ) -> SignedCheckpoint {
        let signature = key.sign(checkpoint.cosigned_message(time_s).as_bytes());
        SignedCheckpoint { checkpoint, node, time_s, signature }
    }

    /// Whether `key` made the signature. The message does not name the node: that the key is the
    /// node's is for the caller to know.
    #[cfg(feature = "signatures")]
    pub fn verify(&self, key: &PublicKey) -> bool {
        let message = self.checkpoint.cosigned_message(self.time_s);
        self.time_s <= MAX_TIME_S && key.verify(message.as_bytes(), &self.signature)
    }

    /// The signature's line in a note; `public_key` is the node's attestation key.
    pub fn note_signature(&self, public_key: &[u8; 32]) -> NoteSignature {
        let mut signature = self.time_s.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.signature);
        let name = self.checkpoint.cosigner(self.node);
        NoteSignature { key_id: cosigner_key_id(&name, public_key), name, signature }
    }

    /// A node's cosignature in a note, not yet [verified](SignedCheckpoint::verify): the first line
    /// with its name and the id of `public_key`. `None` if there is none.
    ///
    /// # Errors
    /// [`NoteError::NotACheckpoint`] if the note's text is not a checkpoint,
    /// [`NoteError::NotACosignature`] if the line does not hold a time and an Ed25519 signature.
    pub fn from_note(
        note: &Note,
        node: NodeId,
        public_key: &[u8; 32],
    ) -> Result<Option<SignedCheckpoint>, NoteError> {
        let checkpoint = Checkpoint::parse_body(&note.text)?;
        let name = checkpoint.cosigner(node);
        let key_id = cosigner_key_id(&name, public_key);
        let is_nodes = |line: &&NoteSignature| line.name == name && line.key_id == key_id;
        let Some(line) = note.signatures.iter().find(is_nodes) else {
            return Ok(None);
        };
        let parts = line.signature.split_first_chunk::<8>();
        let (time, signature) = parts.ok_or(NoteError::NotACosignature)?;
        let time_s = u64::from_be_bytes(*time);
        let signature = signature.try_into().map_err(|_| NoteError::NotACosignature)?;
        if time_s > MAX_TIME_S {
            return Err(NoteError::NotACosignature);
        }
        Ok(Some(SignedCheckpoint { checkpoint, node, time_s, signature }))
    }
}

/// Key id of a cosigner: SHA-256(name, newline, 0x04, public key), first four bytes.
fn cosigner_key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[COSIGNATURE_TYPE], public_key]);
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}
