//! Transactions that nobody should have sent.

use std::time::Duration;

use precinto_client::{Client, ClientError, NewCall, Signer, types::Status};
use precinto_cluster_tests::{Author, NODES, Network, audit, eventually, now_ms};
use precinto_protocol::{
    cbor,
    hash::Hash,
    keys::SigningKey,
    limits::{DEFAULT_MAX_EXPIRY_MS, MAX_STATEMENT_BYTES},
    transaction::Transaction,
};

const WAIT: Duration = Duration::from_secs(10);

/// The largest body that a node reads.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// What an encoded transaction becomes at the node, waited for.
async fn fate(client: &Client, bytes: Vec<u8>) -> Result<Status, ClientError> {
    let answer = client.submit_encoded(bytes, Some(WAIT)).await?;
    Ok(answer.status)
}

async fn assert_refused(client: &Client, bytes: Vec<u8>, code: &str) {
    let refused = fate(client, bytes).await.expect_err(code);
    let ClientError::Problem(problem) = &refused else { panic!("{code}: {refused:?}") };
    assert_eq!(problem.code, code, "{problem}");
    assert!(!problem.retryable && !problem.hint.is_empty(), "{problem:?}");
}

/// The last byte of an encoded transaction without endorsements is the empty array of these; the
/// byte before is the statement's last, which is its signature's last.
fn with_broken_signature(transaction: &Transaction) -> Vec<u8> {
    let mut bytes = transaction.encode();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    bytes
}

#[tokio::test]
async fn each_bad_transaction_is_refused_with_its_code_and_leaves_nothing() {
    let network = Network::start().await;
    let client = network.client(1);
    let author = Author::enrol(&network, 1).await;
    let before = audit::assert_agreement(&network, &NODES).await;
    let channel = network.status(1).await.channel;
    let call = || author.certification(&author.operator("X1"));
    let sign = |call: NewCall| author.signer.sign(call).encode();
    let stranger = SigningKey::from_seed(&[7; 32]);

    assert_refused(&client, b"garbage".to_vec(), "malformed").await;
    assert_refused(&client, Vec::new(), "malformed").await;
    let mut trailing = sign(call());
    trailing.push(0);
    assert_refused(&client, trailing, "malformed").await;
    let broken = with_broken_signature(&author.certify("X1"));
    assert_refused(&client, broken, "bad-signature").await;
    let elsewhere = Signer::new(SigningKey::from_seed(&[7; 32]), Hash([1; 32]));
    assert_refused(&client, elsewhere.sign(call()).encode(), "wrong-channel").await;
    let unknown = Signer::new(stranger, channel);
    assert_refused(&client, unknown.sign(call()).encode(), "unknown-identity").await;
    let past = NewCall { expires_ms: now_ms() - 60_000, ..call() };
    assert_refused(&client, sign(past), "expired").await;
    let far = NewCall { expires_ms: now_ms() + DEFAULT_MAX_EXPIRY_MS + 60_000, ..call() };
    assert_refused(&client, sign(far), "expiry-too-far").await;
    let large = NewCall { args: cbor::encode(&vec![0u8; MAX_STATEMENT_BYTES]), ..call() };
    assert_refused(&client, sign(large), "statement-too-large").await;
    let contract = NewCall { contract: "no-such".into(), ..call() };
    assert_refused(&client, sign(contract), "unknown-contract").await;
    let method = NewCall { method: "no-such".into(), ..call() };
    assert_refused(&client, sign(method), "unknown-method").await;
    let version = NewCall { contract_version: 2, ..call() };
    assert_refused(&client, sign(version), "contract-changed").await;
    // An officer may not enrol keys.
    let enrol = NewCall { contract: "governance".into(), method: "enrol".into(), ..call() };
    assert_refused(&client, sign(enrol), "endorsements-do-not-meet-policy").await;

    let body = vec![0; MAX_BODY_BYTES + 1];
    assert_refused(&client, body, "body-too-large").await;

    let after = audit::assert_agreement(&network, &NODES).await;
    let blocks = audit::blocks(&client, before + 1, after).await;
    assert!(blocks.iter().all(|block| block.transactions.is_empty()), "{blocks:?}");

    // What the contract refuses is executed: on the ledger, as rejected.
    let arguments = NewCall { args: vec![0x80], ..call() };
    let rejected = client.submit_encoded(sign(arguments), Some(WAIT)).await.unwrap();
    assert_eq!(rejected.status, Status::Rejected, "{rejected:?}");
    assert_eq!(rejected.code.as_deref(), Some("bad-arguments"), "{rejected:?}");
}

/// A client that heard nothing asks again after the expiry: it must not be told that nothing
/// happened.
#[tokio::test]
async fn a_repetition_after_the_expiry_is_answered_with_what_became_of_it() {
    let network = Network::start().await;
    let author = Author::enrol(&network, 1).await;
    let call = author.certification(&author.operator("E1"));
    let expires_ms = now_ms() + 2_000;
    let transaction = author.signer.sign(NewCall { expires_ms, ..call });
    let first = network.client(1).submit(&transaction, Some(WAIT)).await.unwrap();
    assert_eq!(first.status, Status::Committed);
    eventually("the clock passes the expiry", WAIT, async || {
        (now_ms() > expires_ms + 1).then_some(())
    })
    .await;
    for id in NODES {
        let again = network.client(id).submit(&transaction, Some(WAIT)).await;
        let again = again.unwrap_or_else(|error| panic!("node {id}: {error}"));
        assert_eq!((again.status, again.height), (Status::Committed, first.height), "node {id}");
    }
}

#[tokio::test]
async fn a_revoked_key_signs_no_more() {
    let network = Network::start().await;
    let author = Author::enrol(&network, 1).await;
    let last = author.certify("Z1");
    let committed = network.client(1).submit(&last, Some(WAIT)).await.unwrap();
    author.revoke(&network).await;
    for id in NODES {
        let client = network.client(id);
        assert_refused(&client, author.certify("Z2").encode(), "identity-revoked").await;
        // What was committed stays so, and asking again is no new signature.
        let again = client.submit(&last, Some(WAIT)).await.unwrap();
        assert_eq!((again.status, again.height), (Status::Committed, committed.height));
    }
}

#[tokio::test]
async fn a_repetition_is_the_same_transaction_and_nobody_burns_anothers() {
    let network = Network::start().await;
    let author = Author::enrol(&network, 1).await;
    let other = Author::enrol(&network, 2).await;
    let operator = author.operator("Y1");
    let call = author.certification(&operator);
    let mine = author.signer.sign(call.clone());

    // Before mine arrives: the same call under another's key, and mine with a broken signature.
    let theirs = other.signer.sign(call);
    assert_ne!(theirs.id(), mine.id());
    let client = network.client(2);
    assert_eq!(fate(&client, theirs.encode()).await.unwrap(), Status::Committed);
    assert_refused(&client, with_broken_signature(&mine), "bad-signature").await;

    let first = network.client(1).submit(&mine, Some(WAIT)).await.unwrap();
    assert_eq!((first.id, first.status), (mine.id(), Status::Committed));
    for id in NODES {
        let again = network.client(id).submit(&mine, Some(WAIT)).await.unwrap();
        assert_eq!(again.id, first.id, "node {id}");
        assert_eq!((again.status, again.height), (first.status, first.height), "node {id}");
        assert_eq!(again.member.as_deref(), Some(author.member.as_str()), "node {id}");
    }
    let number = format!("T-{}", operator.identifier);
    let history = network.client(3).aeo_history(&author.member, &number, 0, None).await.unwrap();
    assert_eq!(history.entries.len(), 1, "it was executed once: {history:?}");
}
