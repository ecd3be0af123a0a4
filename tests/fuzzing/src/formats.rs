//! Decoders of what is signed, ordered and stored.

use minicbor::{Decode, Encode};
use precinto_execution::{KeyCache, precheck};
use precinto_protocol::{
    aeo,
    block::Block,
    call, cbor,
    checkpoint::{Checkpoint, Note, SignedCheckpoint},
    genesis::Genesis,
    governance,
    keys::SigningKey,
    leaf::{BlockLeaf, OutcomeLeaf},
    limits::{MAX_BLOCK_ITEMS, MAX_STATEMENT_BYTES},
    membership::Membership,
    outcome::OutcomeRecord,
    registry::{ContractEntry, Identity, Member, Node, signer_set_digest},
    state::{RecordLogEntry, StateKey},
    statement::Statement,
    transaction::Transaction,
};

/// The value in `bytes`, if they are the one encoding of it.
fn decoded<T>(bytes: &[u8]) -> Option<T>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let value: T = cbor::decode(bytes).ok()?;
    assert_eq!(cbor::encode(&value), bytes, "one encoding per value");
    Some(value)
}

/// What is accepted has one encoding and one id, whatever its signatures are worth.
pub(crate) fn transaction(bytes: &[u8]) {
    let key = SigningKey::from_seed(&[1; 32]).public();
    if let Ok(statement) = Statement::decode(bytes) {
        assert!(bytes.len() <= MAX_STATEMENT_BYTES);
        assert_eq!(statement.encode(), bytes);
        assert_eq!(Transaction::new(statement.clone()).id(), statement.id());
        statement.verify(&key);
    }
    let Ok(transaction) = Transaction::decode(bytes) else { return };
    assert_eq!(transaction.encode(), bytes);
    assert_eq!(
        Statement::decode(&transaction.statement.encode()),
        Ok(transaction.statement.clone())
    );
    let bare = Transaction::new(transaction.statement.clone());
    assert_eq!(bare.id(), transaction.id(), "endorsements are no part of the id");
    precheck(bytes, &KeyCache::new());
}

/// A block is what its header says, and its items can be looked at whatever they are.
pub(crate) fn block(bytes: &[u8]) {
    let Ok(block) = Block::decode(bytes) else { return };
    assert_eq!(block.encode(), bytes);
    let items = block.content().items;
    assert!(items.len() <= MAX_BLOCK_ITEMS);
    let keys = KeyCache::new();
    for item in &items {
        precheck(item, &keys);
    }
    // A valid signature is not found by chance, and none is valid under another key.
    assert!(block.verify(&SigningKey::from_seed(&[255; 32]).public()).is_err());
}

/// No leaf can be read as one of another kind.
pub(crate) fn leaf(bytes: &[u8]) {
    let kinds = [
        Statement::decode(bytes).is_ok(),
        decoded::<OutcomeLeaf>(bytes).is_some(),
        decoded::<BlockLeaf>(bytes).is_some(),
    ];
    assert!(kinds.into_iter().filter(|kind| *kind).count() <= 1, "{kinds:?}");
    decoded::<RecordLogEntry>(bytes);
    decoded::<OutcomeRecord>(bytes);
}

/// Genesis and what the registry holds: what has no problems has a state.
pub(crate) fn registry(bytes: &[u8]) {
    if let Some(genesis) = decoded::<Genesis>(bytes)
        && genesis.problems().is_empty()
    {
        let entries = genesis.entries();
        assert!(entries.len() >= genesis.members.len() + genesis.nodes.len());
    }
    decoded::<Member>(bytes);
    decoded::<Identity>(bytes);
    decoded::<ContractEntry>(bytes);
    decoded::<Membership>(bytes);
    if let Some(nodes) = decoded::<Vec<Node>>(bytes) {
        signer_set_digest(Some(1), &nodes);
        let (now, wanted) = (Membership::default(), Membership::wanted(&nodes));
        assert!(now.steps_to(&wanted).count() >= wanted.voters.len());
    }
    if let Ok(key) = StateKey::from_bytes(bytes) {
        let components = key.components();
        let again = components.fold(StateKey::new(key.contract()), |key, component| {
            key.component(&component).expect("a component of a key")
        });
        assert_eq!(again, key);
    }
}

/// Notes, checkpoint bodies and signed checkpoints.
pub(crate) fn checkpoint(bytes: &[u8]) {
    let key = SigningKey::from_seed(&[1; 32]).public();
    if let Some(signed) = decoded::<SignedCheckpoint>(bytes) {
        signed.verify(&key);
        let signatures = vec![signed.note_signature(&key.to_bytes())];
        let note = Note { text: signed.checkpoint.body(), signatures }.to_string();
        let read = Note::parse(&note).expect("a note of ours");
        let again = SignedCheckpoint::from_note(&read, signed.node, &key.to_bytes());
        // A time beyond what a note can say is refused, by `verify` too.
        assert!(again.is_err() || again == Ok(Some(signed)));
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = Checkpoint::parse_body(text) {
        assert_eq!(checkpoint.body(), text);
    }
    if let Ok(note) = Note::parse(text) {
        assert_eq!(Note::parse(&note.to_string()).as_ref(), Ok(&note));
        if let Ok(Some(signed)) = SignedCheckpoint::from_note(&note, 1, &key.to_bytes()) {
            signed.verify(&key);
        }
    }
}

/// Arguments and answers of contracts, as nodes and clients read them.
pub(crate) fn contract_messages(bytes: &[u8]) {
    decoded::<call::ContractInput>(bytes);
    decoded::<call::ContractOutput>(bytes);
    decoded::<call::CallContext>(bytes);
    decoded::<aeo::Certify>(bytes);
    decoded::<aeo::Amend>(bytes);
    decoded::<aeo::ChangeStatus>(bytes);
    decoded::<aeo::Transition>(bytes);
    decoded::<aeo::Decide>(bytes);
    decoded::<aeo::PendingAction>(bytes);
    decoded::<aeo::DeclareAlias>(bytes);
    decoded::<aeo::Alias>(bytes);
    decoded::<aeo::ProposeMra>(bytes);
    decoded::<aeo::Mra>(bytes);
    decoded::<aeo::BenefitQuery>(bytes);
    decoded::<aeo::BenefitAnswer>(bytes);
    decoded::<aeo::query::FindAnswer>(bytes);
    decoded::<aeo::query::ListQuery>(bytes);
    decoded::<aeo::query::ListPage>(bytes);
    decoded::<governance::Enrol>(bytes);
    decoded::<governance::Rotate>(bytes);
    decoded::<governance::ReplaceNode>(bytes);
    decoded::<governance::IdentityPage>(bytes);
    if let Some(line) = aeo::Moment::decode_line(bytes) {
        assert_eq!(aeo::Moment::encode_line(&line), bytes);
    }
}
