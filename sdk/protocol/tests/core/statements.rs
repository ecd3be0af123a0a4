//! Statements and transactions.

use precinto_protocol::{
    hash::{sha256, tagged},
    identity::Role,
    keys::SigningKey,
    limits::{MAX_ENDORSEMENTS, MAX_STATEMENT_BYTES},
    statement::{Call, OnBehalf, Statement, StatementError},
    transaction::{Endorsement, Transaction, endorsement_digest},
};
use serde_json::Value;

use crate::{all_refused, array, bytes, hash, key, key_id, list, number, text, vectors};

fn call(vector: &Value) -> Call {
    let on_behalf = |role: u64| OnBehalf {
        pseudonym: array(&vector["pseudonym"]),
        role: Role::ALL[role as usize],
    };
    Call {
        channel: hash(&vector["channel"]),
        contract: text(&vector["contract"]).into(),
        contract_version: number(&vector["contract_version"]),
        method: text(&vector["method"]).into(),
        args: bytes(&vector["args"]),
        nonce: array(&vector["nonce"]),
        expires_ms: number(&vector["expires_ms"]),
        on_behalf: vector["role"].as_u64().map(on_behalf),
    }
}

#[test]
fn statements_are_encoded_signed_and_named_as_specified() {
    let vectors = vectors!("statement");
    let author = key(&vectors["seed"]);
    assert_eq!(author.key_id(), key_id(&vectors["key_id"]));
    for vector in list(&vectors["statements"]) {
        let call = call(vector);
        let version = call.contract_version;
        let statement = Statement::sign(call, &author);
        assert_eq!(hex::encode(statement.encode()), vector["encoded"], "{}", vector["name"]);
        assert_eq!(Statement::decode(&bytes(&vector["encoded"])), Ok(statement.clone()));
        assert!(statement.verify(&author.public()));

        let signed = bytes(&vector["sig_structure"]);
        assert!(author.public().verify(&signed, &array(&vector["signature"])));
        assert_eq!(statement.id().0, tagged("precinto/transaction", &[&signed]));
        assert_eq!(statement.id().to_string(), vector["id"]);
        let digest = endorsement_digest(&statement.id(), version);
        assert_eq!(digest.to_hex(), vector["endorsement_digest"]);
    }
}

#[test]
fn statements_in_any_other_form_are_refused() {
    all_refused(&vectors!("statement")["refused"], Statement::decode);
}

#[test]
fn the_largest_statement_is_accepted_and_a_byte_more_is_not() {
    let vectors = vectors!("statement");
    let author = key(&vectors["seed"]);
    let largest = &vectors["largest"];
    let with_args = |count: usize| {
        Statement::sign(Call { args: vec![0; count], ..call(&vectors["statements"][0]) }, &author)
    };
    let statement = with_args(number(&largest["args_bytes"]));
    let encoded = statement.encode();
    assert_eq!(encoded.len(), MAX_STATEMENT_BYTES);
    assert_eq!(encoded.len(), number::<usize>(&largest["bytes"]));
    assert_eq!(sha256(&[&encoded]).to_hex(), largest["sha256"]);
    assert_eq!(statement.id().to_string(), largest["id"]);
    assert_eq!(Statement::decode(&encoded), Ok(statement));
    let larger = with_args(number::<usize>(&largest["args_bytes"]) + 1).encode();
    assert_eq!(larger.len(), MAX_STATEMENT_BYTES + 1);
    assert_eq!(Statement::decode(&larger), Err(StatementError::TooLarge));
}

fn endorse(statement: &Statement, endorser: &SigningKey) -> Endorsement {
    let digest = endorsement_digest(&statement.id(), statement.call().contract_version);
    Endorsement { key_id: endorser.key_id(), signature: endorser.sign(digest.as_bytes()) }
}

#[test]
fn transactions_are_encoded_as_specified() {
    let vectors = vectors!("transaction");
    let mut counts = Vec::new();
    for vector in list(&vectors["transactions"]) {
        let statement = Statement::decode(&bytes(&vector["statement"])).unwrap();
        let seeds = vector["endorser_seeds"].as_array().unwrap();
        let mut endorsements: Vec<_> =
            seeds.iter().map(|seed| endorse(&statement, &key(seed))).collect();
        endorsements.sort_by_key(|endorsement| endorsement.key_id);
        counts.push(endorsements.len());
        let transaction = Transaction { statement, endorsements };
        assert_eq!(hex::encode(transaction.encode()), vector["encoded"]);
        assert_eq!(transaction.id().to_string(), vector["id"]);
        assert_eq!(transaction.endorsements_digest().to_hex(), vector["endorsements_digest"]);
        assert_eq!(Transaction::decode(&bytes(&vector["encoded"])), Ok(transaction));
    }
    assert_eq!(counts.iter().max(), Some(&MAX_ENDORSEMENTS));
}

#[test]
fn transactions_in_any_other_form_are_refused() {
    all_refused(&vectors!("transaction")["refused"], Transaction::decode);
}
