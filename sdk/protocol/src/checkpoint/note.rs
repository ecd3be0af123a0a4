//! Signed notes (C2SP signed-note): text, an empty line, signature lines.

use alloc::{string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};

/// Signature lines in a note: every node of a network and its witnesses, many times over.
pub const MAX_NOTE_SIGNATURES: usize = 256;

/// A note, in bytes: that many Ed25519 lines and some larger post-quantum ones.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;

/// Begins every signature line: em dash and space.
const LINE_START: &str = "\u{2014} ";

/// A text with signatures by any number of keys. Its [`Display`](fmt::Display) is the note's text
/// form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with its final newline.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key: no spaces, no plus sign.
    pub name: String,
    /// Id of the key, computed from name, signature type and public key.
    pub key_id: [u8; 4],
    /// The signature, in the form of its type.
    pub signature: Vec<u8>,
}

/// Why a note was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More than [`MAX_NOTE_BYTES`] or [`MAX_NOTE_SIGNATURES`].
    #[error("the note is too large")]
    TooLarge,
    /// Not text, an empty line and signature lines, or control characters in it.
    #[error("not a signed note")]
    Malformed,
    /// The text is not origin, size and root of a Precinto log.
    #[error("the note's text is not a checkpoint of a Precinto log")]
    NotACheckpoint,
    /// The line does not hold a time and an Ed25519 signature.
    #[error("the signature line is not a cosignature")]
    NotACosignature,
}

impl Note {
    /// Reads a note. It has at least one signature line; its signatures are not checked.
    ///
    /// # Errors
    /// [`NoteError::TooLarge`] and [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Note, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        if note.chars().any(|c| c < '\u{20}' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        // The text may hold empty lines: the last one ends it.
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooLarge);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::Malformed)?);
        }
        Ok(Note { text: text.into(), signatures })
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<NoteSignature> {
        let (name, blob) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let blob = Base64::decode_vec(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk()?;
        if signature.is_empty() {
            return None;
        }
        Some(NoteSignature { name: name.into(), key_id: *key_id, signature: signature.into() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = self.key_id.to_vec();
        blob.extend_from_slice(&self.signature);
        write!(f, "{LINE_START}{} {}", self.name, Base64::encode_string(&blob))
    }
}
