//! A naive model of what the ledger must come to: maps instead of a state tree, the table of
//! docs/FORMATS.md ("What becomes of an item") written down once more, and the contract `probe`.
//!
//! What the model does not know of (whether another contract accepts a call) it takes from the node;
//! everything that it does know, the node must have decided the same.

mod judge;
mod probe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use precinto_protocol::{
    block::Block,
    cbor,
    genesis::Genesis,
    hash::Hash,
    identity::{KeyId, NodeId},
    limits::DEFAULT_MAX_EXPIRY_MS,
    outcome::Outcome,
    registry::{ContractEntry, Identity, SystemKey, parameter},
    state::StateKey,
    transaction::{Transaction, TransactionId},
};

use self::judge::Expected;
use crate::{Verdict, Violation, client::Execution, ensure};

const CHECKER: &str = "model";

/// Name of the contract that the model knows.
pub const PROBE: &str = "probe";

/// Plain entries and record logs (their payloads), as a node's state or the model has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// Value by key.
    pub plain: BTreeMap<StateKey, Vec<u8>>,
    /// What contracts appended, in order.
    pub record_logs: BTreeMap<StateKey, Vec<Vec<u8>>>,
}

/// The model after some blocks.
pub struct Model {
    channel: Hash,
    max_expiry_ms: u64,
    contracts: BTreeMap<String, ContractEntry>,
    identities: BTreeMap<KeyId, Identity>,
    /// Identity key of every node that ever was.
    node_keys: BTreeMap<NodeId, [u8; 32]>,
    height: u64,
    time_ms: u64,
    /// Height and expiry of everything executed.
    executed: BTreeMap<TransactionId, (u64, u64)>,
    /// The same in order.
    executions: Vec<(TransactionId, Execution)>,
    /// What `probe` holds.
    probe: Contents,
}

impl Model {
    /// At the genesis, which is sound.
    pub fn new(genesis: &Genesis) -> Model {
        let max_expiry = genesis.parameters.iter().find(|p| p.name == parameter::MAX_EXPIRY_MS);
        let identities = genesis.identities.iter();
        Model {
            channel: genesis.hash(),
            max_expiry_ms: max_expiry.map_or(DEFAULT_MAX_EXPIRY_MS, |parameter| parameter.value),
            contracts: genesis.contracts.iter().map(|c| (c.name.clone(), c.clone())).collect(),
            identities: identities.map(|i| (KeyId::of(&i.public_key), i.clone())).collect(),
            node_keys: genesis.nodes.iter().map(|node| (node.id, node.identity_key)).collect(),
            height: 0,
            time_ms: genesis.created_ms,
            executed: BTreeMap::new(),
            executions: Vec::new(),
            probe: Contents::default(),
        }
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// What was executed, in order: for [`crate::client::ClientChecker::ledger`].
    pub fn executions(&self) -> impl Iterator<Item = (TransactionId, Execution)> + '_ {
        self.executions.iter().cloned()
    }

    /// The next block in order, and what a node says became of it: the outcomes of the transactions
    /// that it executed, in the order of items.
    ///
    /// # Errors
    /// The node executed what it should not have, left out what it should have executed, or came to
    /// another outcome than the model.
    pub fn block(&mut self, block: &Block, told: &[(TransactionId, Outcome)]) -> Verdict {
        let content = block.content();
        self.height += 1;
        let mut told = told.iter();
        for (index, item) in content.items.iter().enumerate() {
            // Of a void, expired or repeated item nothing may be told: it would be found in the place
            // of the next one, or left over.
            let Some((transaction, expected)) = self.judge(item, content.time_ms) else { continue };
            let at = format!("item {index} of block {}", self.height);
            let id = transaction.id();
            let next = told.next();
            let Some((_, outcome)) = next.filter(|(executed, _)| *executed == id) else {
                let what = format!("{at}, {id}, should be {expected:?}; executed was {next:?}");
                return Err(Violation::new(CHECKER, what));
            };
            ensure(expected.allows(outcome), CHECKER, || {
                format!("{at}, {id}, came out as {outcome:?}, expected is {expected:?}")
            })?;
            self.execute(index as u32, &transaction, outcome, content.time_ms);
        }
        self.time_ms = content.time_ms;
        let surplus = told.next();
        ensure(surplus.is_none(), CHECKER, || {
            format!("block {}: {surplus:?} was executed and should not have been", self.height)
        })
    }

    /// What `probe` holds, and which transactions execution remembers, are as in the model.
    /// `contents` is all of a node's state after the model's last block.
    ///
    /// # Errors
    /// An entry more, fewer or another one.
    pub fn expect(&self, at: &str, contents: &Contents) -> Verdict {
        let replay = SystemKey::replays();
        let is_modelled = |key: &StateKey| {
            replay.is_prefix_of(key) || Some(key.contract()) == self.contract_id(PROBE)
        };
        let mut plain = self.probe.plain.clone();
        plain.extend(self.replay_entries());
        same(at, &plain, contents.plain.iter().filter(|(key, _)| is_modelled(key)))?;
        let record_logs = contents.record_logs.iter().filter(|(key, _)| is_modelled(key));
        same(at, &self.probe.record_logs, record_logs)
    }

    /// Of every transaction whose time was not over at the last block.
    fn replay_entries(&self) -> impl Iterator<Item = (StateKey, Vec<u8>)> + '_ {
        let live = self.executed.iter().filter(|(_, (_, expires_ms))| *expires_ms >= self.time_ms);
        live.map(|(id, (height, expires_ms))| {
            (SystemKey::replay(*expires_ms, id), cbor::encode(height))
        })
    }

    fn contract_id(&self, name: &str) -> Option<u32> {
        self.contracts.get(name).map(|contract| contract.id)
    }

    /// An executed item: it is remembered, and takes effect if it was committed.
    fn execute(&mut self, index: u32, transaction: &Transaction, outcome: &Outcome, time_ms: u64) {
        let id = transaction.id();
        let call = transaction.statement.call();
        self.executed.insert(id, (self.height, call.expires_ms));
        let rejected = match outcome {
            Outcome::Committed => {
                self.apply(transaction, time_ms);
                None
            }
            Outcome::Rejected { code } => Some(code.clone()),
        };
        let execution = Execution { height: self.height, index: Some(index), rejected };
        self.executions.push((id, execution));
    }
}

/// The two maps are equal; if not, says where they differ first.
fn same<'a, V: PartialEq + std::fmt::Debug + 'a>(
    at: &str,
    expected: &'a BTreeMap<StateKey, V>,
    found: impl Iterator<Item = (&'a StateKey, &'a V)>,
) -> Verdict {
    let mut expected = expected.iter();
    for entry in found {
        let next = expected.next();
        ensure(next == Some(entry), CHECKER, || {
            format!("{at}: the state has {entry:?}, the model has {next:?}")
        })?;
    }
    let missing = expected.next();
    ensure(missing.is_none(), CHECKER, || format!("{at}: the state lacks {missing:?}"))
}
