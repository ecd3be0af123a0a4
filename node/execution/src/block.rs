//! One block's execution, item by item.

use precinto_protocol::{
    block::Origin,
    call::{CallContext, ContractInput, Signer},
    cbor,
    hash::Hash,
    leaf::{LEAF_VERSION, LeafKind, OutcomeLeaf, events_digest},
    limits::MAX_BLOCK_ITEMS,
    log::Frontier,
    membership::Membership,
    outcome::{Event, Outcome, OutcomeRecord},
    registry::{
        GOVERNANCE_CONTRACT, RegistryKey, SignerSet, SystemKey, parameter, signer_set_digest,
    },
    state::{StateKey, Trie},
    transaction::{TransactionId, endorsements_digest},
};

use crate::{
    Fatal,
    codes::explain,
    effects::{EmittedEvent, ItemFate, LogWriter},
    judge::{Admitted, Judge, Refused, Terms, Verdict},
    mutated::mutated,
    overlay::{Changes, Overlay},
    precheck::{Checked, KeyCache, Prechecked},
    registry::Registry,
    runtime::{ContractCall, Runtime},
    view::{StateView, ViewError},
};

/// Replay entries that one block removes at most: bounds the work of the first block after a pause.
/// Four times what a block can add, so removal always catches up. An entry that stays a while
/// longer changes nothing: its transaction is found expired before it is found a duplicate.
const MAX_PRUNED: usize = 4 * MAX_BLOCK_ITEMS;

/// Where a block stands.
#[derive(Clone, Copy)]
pub(crate) struct BlockAt {
    pub(crate) origin: Origin,
    pub(crate) height: u64,
    pub(crate) time_ms: u64,
}

/// What execution needs beside the state.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) keys: &'a KeyCache,
}

/// A block in execution.
pub(crate) struct BlockRun<'a> {
    at: BlockAt,
    runtime: &'a Runtime,
    judge: Judge<'a>,
    state: Overlay<'a>,
    written: Written,
}

/// What a block's execution writes beside the state.
pub(crate) struct Written {
    pub(crate) log: LogWriter,
    pub(crate) outcomes: Vec<(TransactionId, OutcomeRecord)>,
    pub(crate) fates: Vec<ItemFate>,
    pub(crate) events: Vec<EmittedEvent>,
}

/// How an executed transaction ended.
struct End {
    outcome: Outcome,
    /// Digest of the endorsements that were checked.
    endorsements: Hash,
    events: Vec<Event>,
    result: Vec<u8>,
    message: String,
    fuel: u64,
}

impl End {
    fn new(outcome: Outcome) -> End {
        End {
            outcome,
            endorsements: endorsements_digest(&[]),
            events: Vec::new(),
            result: Vec::new(),
            message: String::new(),
            fuel: 0,
        }
    }

    fn rejected(code: &str, message: String) -> End {
        let code = code.to_owned();
        End { message, ..End::new(Outcome::Rejected { code }) }
    }
}

impl<'a> BlockRun<'a> {
    pub(crate) fn new(
        at: BlockAt,
        base: &'a dyn StateView,
        log: Frontier,
        tools: Tools<'a>,
    ) -> Result<BlockRun<'a>, Fatal> {
        let terms = Terms::read(base, at.origin.channel, at.time_ms)?;
        Ok(BlockRun {
            at,
            runtime: tools.runtime,
            judge: Judge::new(terms, tools.keys),
            state: Overlay::new(base),
            written: Written {
                log: LogWriter::new(log),
                outcomes: Vec::new(),
                fates: Vec::new(),
                events: Vec::new(),
            },
        })
    }

    /// Writes the Raft group in force, if it changed since the last block: contracts read it.
    pub(crate) fn note_membership(&mut self, membership: &Membership) -> Result<(), ViewError> {
        let (key, value) = (RegistryKey::membership(), cbor::encode(membership));
        if self.state.get(&key)?.as_ref() != Some(&value) {
            self.state.set(key, value);
        }
        Ok(())
    }

    /// Removes replay entries whose time is over; `trie` is the state before the block.
    pub(crate) fn prune(&mut self, trie: &Trie) {
        for key in over(trie, self.at.time_ms) {
            self.state.remove(key);
        }
    }

    /// Executes an item of the block.
    pub(crate) fn item(&mut self, index: u32, item: &Prechecked) -> Result<(), Fatal> {
        let fate = match self.judge.judge(item, &self.state)? {
            Verdict::Void(reason) => ItemFate::Void(reason),
            Verdict::Expired(id) => ItemFate::Expired(id),
            Verdict::Duplicate(id) => ItemFate::Duplicate(id),
            Verdict::Rejected(Refused { item, author, code }) => {
                let end = End::rejected(code, explain(code).to_owned());
                self.conclude(index, item, author, end);
                ItemFate::Executed(item.id)
            }
            Verdict::Call(admitted) => {
                let end = self.call(index, &admitted)?;
                let Admitted { item, mut signers, .. } = admitted;
                self.conclude(index, item, signers.swap_remove(0), end);
                ItemFate::Executed(item.id)
            }
        };
        self.written.fates.push(fate);
        Ok(())
    }

    /// Calls the contract; its changes stay only if it succeeds.
    fn call(&mut self, index: u32, admitted: &Admitted<'_>) -> Result<End, Fatal> {
        let transaction = &admitted.item.transaction;
        let call = transaction.statement.call();
        let call = ContractCall {
            contract: &admitted.contract,
            context: self.context(index, admitted),
            input: ContractInput { method: call.method.clone(), args: call.args.clone() },
            fuel: self.judge.terms.call_fuel,
        };
        let called = self.runtime.call(call, &self.state)?;
        let mut end = match called.output {
            Ok(result) => {
                self.absorb(called.changes);
                End { events: called.events, result, ..End::new(Outcome::Committed) }
            }
            Err(failure) => {
                if mutated("keep-rejected-writes") {
                    self.absorb(called.changes);
                }
                End::rejected(failure.code(), failure.to_string())
            }
        };
        end.endorsements = transaction.endorsements_digest();
        end.fuel = called.fuel_used;
        Ok(end)
    }

    fn context(&self, index: u32, admitted: &Admitted<'_>) -> CallContext {
        CallContext {
            channel: self.at.origin.channel,
            height: self.at.height,
            index,
            time_ms: self.at.time_ms,
            transaction: Some(admitted.item.id),
            signers: admitted.signers.clone(),
            contract: admitted.contract.id,
        }
    }

    fn absorb(&mut self, changes: Changes) {
        if changes.keys().any(|key| key.contract() == GOVERNANCE_CONTRACT) {
            self.judge.forget();
        }
        self.state.absorb(changes);
    }

    /// Leaves of an executed transaction, its replay entry, its record and its events.
    fn conclude(&mut self, index: u32, item: &Checked, author: Signer, end: End) {
        let statement = &item.transaction.statement;
        if end.outcome == Outcome::Committed {
            self.written.log.append(statement.encode());
        }
        let leaf = OutcomeLeaf {
            version: LEAF_VERSION,
            kind: LeafKind::Outcome,
            channel: self.at.origin.channel,
            height: self.at.height,
            index,
            transaction: item.id,
            author: author.key_id,
            member: author.member.clone(),
            roles: author.roles,
            endorsements: end.endorsements,
            outcome: end.outcome.clone(),
            events: events_digest(&end.events),
        };
        let leaf = self.written.log.append(cbor::encode(&leaf));
        let replay = SystemKey::replay(statement.call().expires_ms, &item.id);
        self.state.set(replay, cbor::encode(&self.at.height));
        let record = OutcomeRecord {
            outcome: end.outcome,
            height: self.at.height,
            index,
            time_ms: self.at.time_ms,
            author: author.key_id,
            member: author.member,
            result: end.result,
            message: end.message,
            leaf,
            fuel: end.fuel,
        };
        self.written.outcomes.push((item.id, record));
        let emitted = end.events.into_iter();
        let transaction = item.id;
        self.written.events.extend(emitted.map(|event| EmittedEvent { transaction, index, event }));
    }

    /// Writes what every block writes. Returns the block's changes, the rest of what it wrote, and
    /// the signer set in force after it.
    pub(crate) fn close(mut self) -> Result<(Changes, Written, SignerSet), Fatal> {
        self.state.set(SystemKey::time(), cbor::encode(&self.at.time_ms));
        let signer_set = self.signer_set()?;
        Ok((self.state.into_changes(), self.written, signer_set))
    }

    fn signer_set(&mut self) -> Result<SignerSet, ViewError> {
        let registry = Registry::new(&self.state);
        let key = SystemKey::signer_set();
        let current: Option<SignerSet> = registry.entry(&key)?;
        let current = current.ok_or_else(|| ViewError::Corrupt(key.clone()))?;
        let nodes = RegistryKey::nodes();
        let attest = RegistryKey::parameter(parameter::ATTEST_MEMBERS).expect("a short name fits");
        let touched = |changed: &_| nodes.is_prefix_of(changed) || *changed == attest;
        if !self.state.changes().keys().any(touched) {
            return Ok(current);
        }
        let digest = read_signer_set(registry)?;
        if digest == current.digest {
            return Ok(current);
        }
        let next = SignerSet { version: current.version + 1, digest };
        self.state.set(key, cbor::encode(&next));
        Ok(next)
    }
}

/// The replay entries to be removed at a time, oldest first.
fn over(trie: &Trie, time_ms: u64) -> Vec<StateKey> {
    let replays = SystemKey::replays();
    let time_ms = time_ms + if mutated("forget-replay-early") { 1_000 } else { 0 };
    let live = replays.clone().component(&time_ms.to_be_bytes());
    let live = live.expect("a time fits a key");
    let entries = trie.iter_prefix(&replays).map(|(key, _)| key);
    entries.take_while(|key| *key < live).take(MAX_PRUNED).collect()
}

/// Digest of the signer set that the registry describes.
fn read_signer_set(registry: Registry<'_>) -> Result<Hash, ViewError> {
    let attest_members = registry.parameter(parameter::ATTEST_MEMBERS)?;
    Ok(signer_set_digest(attest_members, &registry.nodes()?))
}

#[cfg(test)]
mod tests {
    use precinto_protocol::state::Entry;

    use super::*;

    #[test]
    fn the_oldest_replay_entries_go_first_and_not_all_at_once() {
        let key = |ms: u64| SystemKey::replay(ms, &TransactionId(Hash([0; 32])));
        let entry = Entry::plain(&[]);
        let count = MAX_PRUNED as u64 + 10;
        let mut trie = Trie::new();
        trie.update((0..count).map(|ms| (key(ms), Some(entry))));
        trie.update([(SystemKey::time(), Some(entry))]);
        assert_eq!(over(&trie, 3), (0..3).map(key).collect::<Vec<_>>());
        let oldest: Vec<_> = (0..MAX_PRUNED as u64).map(key).collect();
        assert_eq!(over(&trie, count), oldest);
    }
}
