//! Decoding and signature checks, which need no state: a pool of threads does them ahead of the
//! apply thread.
//!
//! A key id is the hash of its key, so whether a signature is valid *under a key id* is a fact
//! that no state changes. Whether that key may sign is judged later, against the state.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use precinto_protocol::{
    block::{Block, BlockContent},
    identity::KeyId,
    keys::{PublicKey, Signature},
    transaction::{Transaction, TransactionError, TransactionId, endorsement_digest},
};

/// Parsed keys kept: at about 250 bytes each, four megabytes; more identities than sign at a time
/// in any network.
pub const MAX_CACHED_KEYS: usize = 16_384;

/// Parsed public keys by id. Parsing decompresses a curve point, which costs a fifth of a
/// signature check.
#[derive(Default)]
pub struct KeyCache(RwLock<BTreeMap<KeyId, PublicKey>>);

impl KeyCache {
    /// An empty cache.
    pub fn new() -> KeyCache {
        KeyCache::default()
    }

    /// The key with this id, if it is here.
    pub fn get(&self, id: &KeyId) -> Option<PublicKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// The key with this id, whose bytes are known. `None` if they are no sound Ed25519 key or
    /// have another id.
    pub fn resolve(&self, id: &KeyId, bytes: &[u8; 32]) -> Option<PublicKey> {
        if let Some(key) = self.get(id) {
            return Some(key);
        }
        let key = PublicKey::from_bytes(bytes).ok().filter(|key| key.key_id() == *id)?;
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_CACHED_KEYS {
            // Those in use come back at once.
            keys.clear();
        }
        keys.insert(*id, key);
        Some(key)
    }
}

/// A block's item, decoded and with its signatures checked as far as their keys were known.
pub struct Prechecked {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Result<Checked, TransactionError>,
}

/// A transaction and what is known about its signatures: `None` where the key was not cached.
pub(crate) struct Checked {
    pub(crate) id: TransactionId,
    pub(crate) transaction: Transaction,
    author: Option<bool>,
    endorsers: Vec<Option<bool>>,
}

/// Decodes an item and checks the signatures whose keys are in `keys`. The same for every state,
/// so it may run on any thread at any time before the block is executed.
pub fn precheck(item: &[u8], keys: &KeyCache) -> Prechecked {
    let content = Transaction::decode(item).map(|transaction| {
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
    });
    Prechecked { bytes: item.to_vec(), content }
}

impl Checked {
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
        let content = block.content();
        let items = content.items.iter().map(|item| precheck(item, keys)).collect();
        PreparedBlock { block, content, items }
    }

    /// Takes the items as they were prechecked elsewhere, in the block's order.
    ///
    /// # Panics
    /// If they are not the block's items: the caller mixed blocks up, and going on would execute
    /// what was not ordered.
    pub fn from_prechecked(block: Block, items: Vec<Prechecked>) -> PreparedBlock {
        let content = block.content();
        let ordered = content.items.iter().map(|item| item.as_slice());
        assert!(
            ordered.eq(items.iter().map(|item| item.bytes.as_slice())),
            "prechecked items are those of the block, in its order"
        );
        PreparedBlock { block, content, items }
    }

    /// The block.
    pub fn block(&self) -> &Block {
        &self.block
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::keys::SigningKey;

    use super::*;

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
