//! Checkpoints and signed notes: golden vectors, strict parsing, evidence of conflicts.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "signatures")]

use precinto_protocol::{
    cbor,
    checkpoint::{
        Checkpoint, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature,
        SignedCheckpoint,
    },
    hash::{Hash, sha256},
    keys::{PublicKey, SigningKey},
    log::{Frontier, consistency_path, leaf_hash},
};
use proptest::prelude::*;
use serde_json::Value;

fn checkpoint(size: u64) -> Checkpoint {
    let mut frontier = Frontier::new();
    (0..size).for_each(|n| frontier.append(leaf_hash(&n.to_be_bytes())));
    Checkpoint { genesis: sha256(&[b"genesis"]), epoch: 0, size, root: frontier.root() }
}

fn note(signatures: &[SignedCheckpoint], key: &SigningKey) -> Note {
    let public = key.public().to_bytes();
    Note {
        text: signatures[0].checkpoint.body(),
        signatures: signatures.iter().map(|signed| signed.note_signature(&public)).collect(),
    }
}

#[test]
fn golden_vectors() {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/vectors/checkpoint.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    for vector in vectors["checkpoints"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        let number = |name: &str| vector[name].as_u64().unwrap();
        let bytes =
            |name: &str| -> [u8; 32] { hex::decode(text(name)).unwrap().try_into().unwrap() };
        let expected = Checkpoint {
            genesis: Hash(bytes("genesis")),
            epoch: number("epoch"),
            size: number("size"),
            root: Hash(bytes("root")),
        };
        assert_eq!(expected.body(), text("body"));
        assert_eq!(Checkpoint::parse_body(text("body")), Ok(expected));

        let key = SigningKey::from_seed(&bytes("seed"));
        let public_key = bytes("public_key");
        assert_eq!(key.public().to_bytes(), public_key);
        let signed = SignedCheckpoint::sign(expected, number("node"), number("time_s"), &key);
        assert_eq!(hex::encode(signed.signature), text("signature"));
        assert_eq!(hex::encode(cbor::encode(&signed)), text("encoded"));
        assert_eq!(cbor::decode(&cbor::encode(&signed)), Ok(signed));
        assert_eq!(note(&[signed], &key).to_string(), text("note"));

        let parsed = Note::parse(text("note")).unwrap();
        let found = SignedCheckpoint::from_note(&parsed, signed.node, &public_key);
        assert_eq!(found, Ok(Some(signed)));
        assert!(signed.verify(&PublicKey::from_bytes(&public_key).unwrap()));
    }
}

#[test]
fn a_signature_binds_every_part_and_the_key() {
    let key = SigningKey::from_seed(&[1; 32]);
    let signed = SignedCheckpoint::sign(checkpoint(3), 1, 1_700_000_000, &key);
    assert!(signed.verify(&key.public()));
    assert!(!signed.verify(&SigningKey::from_seed(&[2; 32]).public()));
    let changed = |change: fn(&mut SignedCheckpoint)| {
        let mut other = signed;
        change(&mut other);
        other.verify(&key.public())
    };
    assert!(!changed(|signed| signed.checkpoint.genesis = Hash::ZERO));
    assert!(!changed(|signed| signed.checkpoint.epoch += 1));
    assert!(!changed(|signed| signed.checkpoint.size += 1));
    assert!(!changed(|signed| signed.checkpoint.root = Hash::ZERO));
    assert!(!changed(|signed| signed.time_s += 1));
    assert!(!changed(|signed| signed.signature[0] ^= 1));
    let too_late = SignedCheckpoint::sign(checkpoint(3), 1, 1 << 63, &key);
    assert!(!too_late.verify(&key.public()));
}

#[test]
fn only_the_one_form_of_a_checkpoint_is_read() {
    let good = checkpoint(21).body();
    let refused = |text: &str| {
        assert_eq!(Checkpoint::parse_body(text), Err(NoteError::NotACheckpoint), "{text:?}");
    };
    refused("");
    refused(&good[..good.len() - 1]);
    refused(&format!("{good}extension\n"));
    refused(&format!("{good}\n"));
    refused(&good.replace("\n21\n", "\n021\n"));
    refused(&good.replace("\n21\n", "\n+21\n"));
    refused(&good.replace("\n21\n", "\n-1\n"));
    refused(&good.replace("\n21\n", "\n18446744073709551616\n"));
    refused(&good.replace("/0\n", "/00\n"));
    refused(&good.replace("/0\n", "\n"));
    refused(&good.replace("precinto", "example.com"));
    refused(&good.replacen(|c: char| c.is_ascii_hexdigit() && c.is_alphabetic(), "F", 2));
    refused(&good.replace("=\n", "\n"));
    refused(&good.replace('\n', "\r\n"));
    let (head, root) = good.trim_end().rsplit_once('\n').unwrap();
    // The last character before the padding carries two bits that must be zero; its successor has
    // one of them set.
    let (loose, last) = root.trim_end_matches('=').split_at(root.len() - 2);
    let successor = char::from(last.as_bytes()[0] + 1);
    refused(&format!("{head}\n{loose}{successor}=\n"));
    refused(&format!("{head}\nAAAA\n"));
}

#[test]
fn notes_with_other_signers_keep_every_line() {
    let key = SigningKey::from_seed(&[1; 32]);
    let signed = SignedCheckpoint::sign(checkpoint(3), 7, 1_700_000_000, &key);
    let mut note = note(&[signed], &key);
    note.signatures.insert(
        0,
        NoteSignature {
            name: "witness.example.com/w1".into(),
            key_id: [0x8d, 0x66, 0xcf, 0x3f],
            signature: vec![1; 72],
        },
    );
    let parsed = Note::parse(&note.to_string()).unwrap();
    assert_eq!(parsed, note);
    let public = key.public().to_bytes();
    assert_eq!(SignedCheckpoint::from_note(&parsed, 7, &public), Ok(Some(signed)));
    assert_eq!(SignedCheckpoint::from_note(&parsed, 8, &public), Ok(None));
    assert_eq!(SignedCheckpoint::from_note(&parsed, 7, &[9; 32]), Ok(None));
    note.signatures[1].signature.pop();
    let cut = SignedCheckpoint::from_note(&note, 7, &public);
    assert_eq!(cut, Err(NoteError::NotACosignature));
    note.text = "something else\n".into();
    let text = SignedCheckpoint::from_note(&note, 7, &public);
    assert_eq!(text, Err(NoteError::NotACheckpoint));
}

#[test]
fn malformed_notes_are_refused() {
    let line = "\u{2014} name AAAAAAE=\n";
    let good = format!("text\n\nmore\n\n{line}{line}");
    assert_eq!(Note::parse(&good).map(|note| note.text), Ok("text\n\nmore\n".into()));
    let refused = |note: &str| assert_eq!(Note::parse(note), Err(NoteError::Malformed), "{note:?}");
    refused("");
    refused("text\n");
    refused("text\n\n");
    refused(&format!("text\n{line}"));
    refused(&format!("text{line}"));
    refused(&good[..good.len() - 1]);
    refused(&format!("{good}\n"));
    refused(&format!("{good}trailing\n"));
    refused(&good.replace('\u{2014}', "-"));
    refused(&good.replace("name", ""));
    refused(&good.replace("name", "na+me"));
    refused(&good.replace("name", "na\u{a0}me"));
    refused(&good.replace("name", "na me"));
    refused(&good.replace("more", "mo\tre"));
    refused(&good.replace("more", "mo\rre"));
    refused(&good.replace("AAAAAAE=", "AAAAAAF="));
    refused(&good.replace("AAAAAAE=", "AAAAAAE"));
    refused(&good.replace("AAAAAAE=", "AAAAAA=="));
    refused(&good.replace("AAAAAAE=", "AAA="));
    let lines = |n: usize| format!("text\n\n{}", line.repeat(n));
    assert!(Note::parse(&lines(MAX_NOTE_SIGNATURES)).is_ok());
    assert_eq!(Note::parse(&lines(MAX_NOTE_SIGNATURES + 1)), Err(NoteError::TooLarge));
    let long = "x".repeat(MAX_NOTE_BYTES);
    assert_eq!(Note::parse(&format!("{long}\n\n{line}")), Err(NoteError::TooLarge));
}

#[test]
fn conflicts_need_one_log_and_one_size() {
    let mine = checkpoint(5);
    let with = |change: fn(&mut Checkpoint)| {
        let mut other = Checkpoint { root: Hash::ZERO, ..mine };
        change(&mut other);
        mine.conflicts_with(&other)
    };
    assert!(!mine.conflicts_with(&mine));
    assert!(with(|_| ()));
    assert!(!with(|other| other.size = 6));
    assert!(!with(|other| other.epoch = 1));
    assert!(!with(|other| other.genesis = Hash::ZERO));
}

#[test]
fn a_fork_between_two_sizes_is_evidence_and_a_bad_path_is_not() {
    // Leaf hashes serve as the nodes: with at most four leaves all siblings are known directly.
    let leaves: Vec<Hash> = (0..3_u64).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let (two, three) = (checkpoint(2), checkpoint(3));
    let honest = consistency_path(2, &two.root, &[leaves[2]]);
    assert!(!two.conflicts_along(&three, &honest));
    let forked = Checkpoint { root: leaves[0], ..two };
    assert!(forked.conflicts_along(&three, &honest));
    // A path that does not lead to the larger root shows nothing.
    assert!(!forked.conflicts_along(&three, &[leaves[0], leaves[2]]));
    assert!(!forked.conflicts_along(&three, &[]));
    assert!(!forked.conflicts_along(&Checkpoint { epoch: 1, ..three }, &honest));
    assert!(!forked.conflicts_along(&two, &honest));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_read_is_written_the_same(text in "\\PC{0,40}\n(\\PC{1,9}\n){0,3}", id: [u8; 4]) {
        let note = Note {
            text,
            signatures: vec![NoteSignature { name: "n".into(), key_id: id, signature: vec![1, 2] }],
        };
        let parsed = Note::parse(&note.to_string());
        prop_assert_eq!(parsed, Ok(note));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "(precinto/|[0-9a-f]{0,64}|\u{2014} |=|\n|\\PC){0,12}") {
        let _ = Note::parse(&text);
        let _ = Checkpoint::parse_body(&text);
    }
}
