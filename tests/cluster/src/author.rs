//! Signing transactions with a key of one's own.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use precinto_client::{NewCall, Signer, types::Status};
use precinto_protocol::{
    aeo::{self, AeoType, Amend, Certify, Date, Scheme, SupplyChainRole, Terms},
    cbor,
    governance::{self, Enrol, Revoke},
    hash::{Hash, sha256},
    identity::Role,
    keys::SigningKey,
    transaction::Transaction,
};

use crate::network::Network;

/// Half of how far ahead the development network lets a transaction expire.
const EXPIRES_AFTER_MS: u64 = 5 * 60 * 1000;

/// Validity of an enrolled key.
const VALID_FOR_MS: u64 = 24 * 60 * 60 * 1000;

const WAIT: Duration = Duration::from_secs(20);

/// The scheme of all test operators: letters and digits, without check digits.
const SCHEME: Scheme = Scheme::Aeo;

/// An operator of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    /// Scheme of its identifier.
    pub scheme: String,
    /// Its identifier.
    pub identifier: String,
    /// Its tag in the network.
    pub tag: Hash,
}

impl Operator {
    /// The number of its authorization.
    pub fn number(&self) -> String {
        format!("T-{}", self.identifier)
    }
}

/// An officer who signs with a key of her own, enrolled by her member.
#[derive(Debug)]
pub struct Author {
    /// Her key and channel.
    pub signer: Signer,
    /// Her member.
    pub member: String,
    /// Her member's node.
    node: u64,
    lookup_key: [u8; 32],
}

impl Author {
    /// Enrols a new key with the role `officer` for the member of `node`, by its admin key. Every
    /// node that runs knows it afterwards.
    pub async fn enrol(network: &Network, node: u64) -> Author {
        let member = network.member(node);
        let channel = network.status(node).await.channel;
        let seed = sha256(&[b"officer of ", member.as_bytes(), channel.as_bytes()]);
        let key = SigningKey::from_seed(seed.as_bytes());
        let public_key = key.public().to_bytes();
        let possession = governance::key_possession(&channel, member, &public_key);
        let enrol = Enrol {
            public_key,
            possession: key.sign(possession.as_bytes()),
            roles: vec![Role::Officer],
            valid_from_ms: 0,
            valid_until_ms: now_ms() + VALID_FOR_MS,
        };
        let lookup_key = secret(&network.node(node).directory().join("keys/lookup.key"));
        let signer = Signer::new(key, channel);
        let author = Author { signer, member: member.to_owned(), node, lookup_key };
        author.administer(network, "enrol", cbor::encode(&enrol)).await;
        author
    }

    /// Revokes her key, by her member's admin key. Every node that runs knows it afterwards.
    pub async fn revoke(&self, network: &Network) {
        let revoke = Revoke { key_id: self.signer.key_id(), reason: "test".into() };
        self.administer(network, "revoke", cbor::encode(&revoke)).await;
    }

    async fn administer(&self, network: &Network, method: &str, args: Vec<u8>) {
        let admin = network.directory().join("members").join(&self.member).join("admin.key");
        let channel = network.status(self.node).await.channel;
        let admin = Signer::new(SigningKey::from_seed(&secret(&admin)), channel);
        let transaction = admin.sign(call(governance::CONTRACT, method, args));
        let answer = network.client(self.node).submit(&transaction, Some(WAIT)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method}: {error}"));
        assert_eq!(answer.status, Status::Committed, "{method}: {answer:?}");
        let height = answer.height.expect("what is committed has a height");
        for id in network.running() {
            network.reached(id, height).await;
        }
    }

    /// The operator of this identifier (capital letters and digits).
    pub fn operator(&self, identifier: &str) -> Operator {
        Operator {
            scheme: SCHEME.to_string(),
            identifier: identifier.to_owned(),
            tag: aeo::lookup_tag(&self.lookup_key, SCHEME, identifier),
        }
    }

    /// The unsigned certification of `operator`.
    pub fn certification(&self, operator: &Operator) -> NewCall {
        let certify = Certify {
            operator: operator.tag,
            number: operator.number(),
            valid_from: today(),
            terms: terms(None),
        };
        call(aeo::CONTRACT, "certify", cbor::encode(&certify))
    }

    /// The unsigned change of what was certified to terms that name this private record.
    pub fn amendment(&self, operator: &Operator, record: Hash) -> NewCall {
        let amend = Amend {
            operator: operator.tag,
            number: operator.number(),
            effective_ms: None,
            terms: terms(Some(record)),
        };
        call(aeo::CONTRACT, "amend", cbor::encode(&amend))
    }

    /// A transaction that certifies an operator.
    pub fn certify(&self, identifier: &str) -> Transaction {
        self.signer.sign(self.certification(&self.operator(identifier)))
    }
}

fn today() -> Date {
    let today = now_ms() / aeo::DAY_MS;
    Date(u32::try_from(today).expect("this is not the year 11 million"))
}

/// What tests grant.
fn terms(record: Option<Hash>) -> Terms {
    Terms {
        types: vec![AeoType::C],
        roles: vec![SupplyChainRole::Importer],
        valid_until: Some(Date(today().0 + 365)),
        consent: true,
        identifier: None,
        record,
    }
}

/// A call for version 1 of a contract, unlike any other call of this process.
fn call(contract: &str, method: &str, args: Vec<u8>) -> NewCall {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    NewCall {
        contract: contract.to_owned(),
        contract_version: 1,
        method: method.to_owned(),
        args,
        nonce,
        expires_ms: now_ms() + EXPIRES_AFTER_MS,
    }
}

fn secret(file: &Path) -> [u8; 32] {
    let text = std::fs::read_to_string(file).expect("a key file");
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim(), &mut secret).expect("a key file holds hexadecimal text");
    secret
}

/// This machine's clock, milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is earlier than the year 584 million")
}
