//! What was signed: checkpoints beside the log, and evidence.

use std::collections::BTreeMap;

use precinto_protocol::{
    cbor,
    checkpoint::SignedCheckpoint,
    hash::{Hash, tagged},
    identity::NodeId,
    keys::PublicKey,
};

use super::{Pass, Problem, Severity, blocks::nodes};
use crate::{
    engine::Table,
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    ledger::{CheckpointRecord, HeadRecord, Signed, boundary},
};

/// Walks checkpoints and evidence; gives their number.
pub(super) fn check(pass: &mut Pass<'_>, head: &HeadRecord) -> Result<u64, StorageError> {
    let key = |node: precinto_protocol::registry::Node| {
        Some((node.id, PublicKey::from_bytes(&node.attestation_key).ok()?))
    };
    let signers: BTreeMap<NodeId, PublicKey> = nodes(pass.ledger).filter_map(key).collect();
    let (mut rows, mut own) = (0, None);
    for row in pass.ledger.rows(Table::Checkpoints, Vec::new(), None) {
        let row = row?;
        rows += 1;
        let Some((node, size)) = keys::parse_checkpoint(&row.key) else {
            pass.found.add(Problem::BadKey, Table::Checkpoints, &row.key, "no node and size");
            continue;
        };
        let Ok(bytes) = row.body else { continue };
        match decode::<CheckpointRecord>(Table::Checkpoints, &row.key, &bytes) {
            Ok(record) => {
                check_one(pass, (node, size), &record, signers.get(&node));
                check_root(pass, head, (Table::Checkpoints, &row.key), (size, record.root));
                if node == pass.node {
                    own = Some(Signed { size, root: record.root });
                }
            }
            Err(error) => {
                pass.found.add(Problem::Undecodable, Table::Checkpoints, &row.key, error);
            }
        }
    }
    check_signed(pass, head, own);
    Ok(rows + check_evidence(pass)?)
}

/// The record is that of the checkpoint in it, which the node signed.
fn check_one(
    pass: &mut Pass<'_>,
    (node, size): (NodeId, u64),
    record: &CheckpointRecord,
    signer: Option<&PublicKey>,
) {
    let key = keys::checkpoint(node, size);
    let Ok(signed) = cbor::decode::<SignedCheckpoint>(&record.bytes) else {
        pass.found.add(Problem::Undecodable, Table::Checkpoints, &key, "no signed checkpoint");
        return;
    };
    let names = (signed.node, signed.checkpoint.size, signed.checkpoint.root);
    if names != (node, size, record.root) || signed.checkpoint.genesis != pass.genesis {
        let detail = "the signed checkpoint is another one";
        pass.found.add(Problem::Undecodable, Table::Checkpoints, &key, detail);
    } else if !signer.is_some_and(|signer| signed.verify(signer)) {
        let detail = "not signed with the node's attestation key";
        pass.found.add(Problem::BadSignature, Table::Checkpoints, &key, detail);
    }
}

/// A checkpoint is of a block boundary and has the log's root there.
fn check_root(
    pass: &mut Pass<'_>,
    head: &HeadRecord,
    at: (Table, &[u8]),
    (size, root): (u64, Hash),
) {
    if size > head.frontier.size() {
        let detail = format!("the log has {} leaves", head.frontier.size());
        pass.found.add(Problem::CheckpointAboveLog, at.0, at.1, detail);
        return;
    }
    let Some(begins_at) = pass.facts.begins_at else { return };
    // What lies before the snapshot, or in a damaged summary, is not known.
    let Some(boundary) = boundary(pass.ledger, (begins_at, head.height), size) else { return };
    if (boundary.log_size, boundary.log_root) != (size, root) {
        let detail = format!("the log's root at block {} is another", boundary.height);
        pass.found.add(Problem::CheckpointBesideLog, at.0, at.1, detail);
    }
}

/// What this node signed last is its largest checkpoint, and agrees with the log.
fn check_signed(pass: &mut Pass<'_>, head: &HeadRecord, own: Option<Signed>) {
    let at = (Table::Meta, meta::SIGNED);
    // A damaged value is told by the check of values.
    let Ok(stored) = pass.ledger.get(at.0, at.1) else { return };
    let signed = match stored.map(|bytes| decode::<Signed>(at.0, at.1, &bytes)).transpose() {
        Ok(signed) => signed,
        Err(error) => {
            return pass.found.add_as(Severity::Promise, Problem::Undecodable, at, error);
        }
    };
    if let Some(signed) = signed {
        check_root(pass, head, at, (signed.size, signed.root));
    }
    if let Some(own) = own
        && signed.is_none_or(|signed| signed.size < own.size)
    {
        let detail = format!("a checkpoint of {} leaves was signed", own.size);
        pass.found.add(Problem::WrongSigned, at.0, at.1, detail);
    }
}

fn check_evidence(pass: &mut Pass<'_>) -> Result<u64, StorageError> {
    let mut rows = 0;
    for row in pass.ledger.rows(Table::Evidence, Vec::new(), None) {
        let row = row?;
        rows += 1;
        let Ok(bundle) = row.body else { continue };
        if tagged("precinto/evidence", &[&bundle]).as_bytes().as_slice() != row.key {
            let detail = "not the bundle of this hash";
            pass.found.add(Problem::WrongEvidence, Table::Evidence, &row.key, detail);
        }
    }
    Ok(rows)
}
