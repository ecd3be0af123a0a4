//! Decoding and signature checks, which need no state: a pool of threads does them ahead of the
//! apply thread.
//!
//! A key id is the hash of its key, so whether a signature is valid *under a key id* is a fact
//! that no state changes. Whether that key may sign is judged later, against the state. So a node
//! checks an item's signatures once, where it is admitted, and knows it again in a block.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, PoisonError, RwLock},
};

use minicbor::bytes::ByteVec;
use precinto_protocol::{
    block::{Block, BlockContent},
    hash::{Hash, sha256},
    identity::KeyId,
    keys::{PublicKey, Signature},
    transaction::{Transaction, TransactionError, TransactionId, endorsement_digest},
};

/// Parsed keys kept: at about 250 bytes each, four megabytes; more identities than sign at a time
/// in any network.
pub const MAX_CACHED_KEYS: usize = 16_384;

/// Items remembered as well signed, at least: as many as may wait for a block at one node. At
/// 32 bytes each, twice as many take some six megabytes.
const MIN_KNOWN_ITEMS: usize = 65_536;

/// Parsed public keys by id, and the items that were found well signed. Parsing decompresses a
/// curve point, which costs a fifth of a signature check.
#[derive(Default)]
pub struct KeyCache {
    keys: RwLock<BTreeMap<KeyId, PublicKey>>,
    known: Mutex<KnownItems>,
}

/// SHA-256 of items all of whose signatures are good: of the newest ones, and of those before them.
#[derive(Default)]
struct KnownItems {
    newest: BTreeSet<Hash>,
    before: BTreeSet<Hash>,
}

impl KnownItems {
    fn contains(&self, item: &Hash) -> bool {
        self.newest.contains(item) || self.before.contains(item)
    }

    fn insert(&mut self, item: Hash) {
        if self.newest.len() >= MIN_KNOWN_ITEMS {
            self.before = mem::take(&mut self.newest);
        }
        self.newest.insert(item);
    }
}

impl KeyCache {
    /// An empty cache.
    pub fn new() -> KeyCache {
        KeyCache::default()
    }

    /// The key with this id, if it is here.
    pub fn get(&self, id: &KeyId) -> Option<PublicKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// The key with this id, whose bytes are known. `None` if they are no sound Ed25519 key or
    /// have another id.
    pub fn resolve(&self, id: &KeyId, bytes: &[u8; 32]) -> Option<PublicKey> {
        if let Some(key) = self.get(id) {
            return Some(key);
        }
        let key = PublicKey::from_bytes(bytes).ok().filter(|key| key.key_id() == *id)?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_CACHED_KEYS {
            // Those in use come back at once.
            keys.clear();
        }
        keys.insert(*id, key);
        Some(key)
    }

    fn is_known(&self, item: &Hash) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(item)
    }

    fn note_known(&self, item: Hash) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(item);
    }
}

/// A block's item, decoded and with its signatures checked as far as their keys were known.
pub struct Prechecked {
    pub(crate) content: Result<Checked, TransactionError>,
}

/// A transaction and what is known about its signatures: `None` where the key was not cached.
pub(crate) struct Checked {
    pub(crate) id: TransactionId,
    pub(crate) transaction: Transaction,
    author: Option<bool>,
    endorsers: Vec<Option<bool>>,
}

/// Decodes an item and checks the signatures whose keys are in `keys`, unless it is known to be well
/// signed. The same for every state, so it may run on any thread at any time before the block is
/// executed.
pub fn precheck(item: &[u8], keys: &KeyCache) -> Prechecked {
    let content = Transaction::decode(item).map(|transaction| {
        let digest = sha256(&[item]);
        if keys.is_known(&digest) {
            return Checked::known(transaction);
        }
        let checked = Checked::new(transaction, keys);
        if checked.is_well_signed() {
            keys.note_known(digest);
        }
        checked
    });
    Prechecked { content }
}

impl Checked {
    /// Checks the signatures whose keys are in `keys`.
    fn new(transaction: Transaction, keys: &KeyCache) -> Checked {
        let id = transaction.id();
        let statement = &transaction.statement;
        let author = keys.get(&statement.key_id()).map(|key| statement.verify(&key));
        let digest = endorsement_digest(&id, statement.call().contract_version);
        let endorsers = transaction
            .endorsements
            .iter()
            .map(|e| Some(keys.get(&e.key_id)?.verify(digest.as_bytes(), &e.signature)))
            .collect();
        Checked { id, transaction, author, endorsers }
    }

    /// One whose signatures were found good before.
    fn known(transaction: Transaction) -> Checked {
        let endorsers = vec![Some(true); transaction.endorsements.len()];
        Checked { id: transaction.id(), transaction, author: Some(true), endorsers }
    }

    fn is_well_signed(&self) -> bool {
        self.author == Some(true) && self.endorsers.iter().all(|endorser| *endorser == Some(true))
    }

    /// Whether the author signed, given the public key that the state has under its key id.
    pub(crate) fn is_signed(&self, public_key: &[u8; 32], keys: &KeyCache) -> bool {
        let statement = &self.transaction.statement;
        self.author.unwrap_or_else(|| {
            keys.resolve(&statement.key_id(), public_key).is_some_and(|key| statement.verify(&key))
        })
    }

    /// Whether endorser `index` signed, given the public key that the state has under its key id.
    pub(crate) fn is_endorsed(&self, index: usize, public_key: &[u8; 32], keys: &KeyCache) -> bool {
        self.endorsers[index].unwrap_or_else(|| {
            let endorsement = &self.transaction.endorsements[index];
            let version = self.transaction.statement.call().contract_version;
            let digest = endorsement_digest(&self.id, version);
            let signature: &Signature = &endorsement.signature;
            keys.resolve(&endorsement.key_id, public_key)
                .is_some_and(|key| key.verify(digest.as_bytes(), signature))
        })
    }
}

/// A block ready to be executed.
pub struct PreparedBlock {
    pub(crate) block: Block,
    pub(crate) content: BlockContent,
    pub(crate) items: Vec<Prechecked>,
}

impl PreparedBlock {
    /// Prechecks every item on this thread.
    pub fn new(block: Block, keys: &KeyCache) -> PreparedBlock {
        let each = |items: &[ByteVec]| items.iter().map(|item| precheck(item, keys)).collect();
        PreparedBlock::prechecked_by(block, each)
    }

    /// Has the block's items prechecked by `check`, which may use several threads: it answers for
    /// each of them with [`precheck`], in their order.
    ///
    /// # Panics
    /// If it does not answer for all of them.
    pub fn prechecked_by(
        block: Block,
        check: impl FnOnce(&[ByteVec]) -> Vec<Prechecked>,
    ) -> PreparedBlock {
        let content = block.content();
        let items = check(&content.items);
        assert_eq!(items.len(), content.items.len(), "every item of a block is prechecked");
        PreparedBlock { block, content, items }
    }

    /// The block.
    pub fn block(&self) -> &Block {
        &self.block
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::{
        keys::SigningKey,
        statement::{Call, Statement},
    };

    use super::*;

    fn item(key: &SigningKey, nonce: u8) -> Vec<u8> {
        let call = Call {
            channel: Hash::ZERO,
            contract: "aeo".into(),
            contract_version: 1,
            method: "certify".into(),
            args: vec![],
            nonce: [nonce; 16],
            expires_ms: 0,
            on_behalf: None,
        };
        Transaction::new(Statement::sign(call, key)).encode()
    }

    fn author(item: &[u8], keys: &KeyCache) -> Option<bool> {
        precheck(item, keys).content.unwrap().author
    }

    #[test]
    fn an_item_is_known_again_by_every_byte_of_it() {
        let (key, keys) = (SigningKey::from_seed(&[1; 32]), KeyCache::new());
        let good = item(&key, 1);
        assert_eq!(author(&good, &keys), None, "nothing is known without the key");
        keys.resolve(&key.key_id(), &key.public().to_bytes());
        assert_eq!(author(&good, &keys), Some(true));
        // Now without the key: only what was found good is known.
        keys.keys.write().unwrap().clear();
        assert_eq!(author(&good, &keys), Some(true));
        assert_eq!(author(&item(&key, 2), &keys), None);
        let mut forged = good.clone();
        // The statement's signature stands before the empty array of endorsements.
        let last = forged.len() - 2;
        forged[last] ^= 1;
        assert_eq!(author(&forged, &keys), None);
        keys.resolve(&key.key_id(), &key.public().to_bytes());
        assert_eq!(author(&forged, &keys), Some(false));
        assert_eq!(author(&forged, &keys), Some(false), "a bad one is never remembered");
    }

    #[test]
    fn the_newest_items_are_remembered_and_memory_is_bounded() {
        let mut known = KnownItems::default();
        let digest = |n: usize| sha256(&[&n.to_be_bytes()]);
        let count = 3 * MIN_KNOWN_ITEMS;
        for n in 0..count {
            known.insert(digest(n));
        }
        assert!((count - MIN_KNOWN_ITEMS..count).all(|n| known.contains(&digest(n))));
        assert!(known.newest.len() + known.before.len() <= 2 * MIN_KNOWN_ITEMS);
        assert!(!known.contains(&digest(0)));
    }

    /// Otherwise a wrong entry of the registry would decide what a precheck finds.
    #[test]
    fn a_key_is_kept_only_under_its_own_id() {
        let [mine, other] = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]).public());
        let keys = KeyCache::new();
        assert_eq!(keys.resolve(&mine.key_id(), &other.to_bytes()), None);
        assert_eq!(keys.get(&mine.key_id()), None);
        assert_eq!(keys.resolve(&mine.key_id(), &mine.to_bytes()), Some(mine));
        assert_eq!(keys.get(&mine.key_id()), Some(mine));
    }
}
