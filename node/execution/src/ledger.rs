//! The in-memory ledger: everything that carries over from one block to the next.

use std::{iter, sync::Arc};

use precinto_protocol::{
    block::Origin,
    cbor,
    genesis::Genesis,
    hash::Hash,
    leaf::{BlockLeaf, LEAF_VERSION, LeafKind, leader_signature_digest},
    limits::PROTOCOL_VERSION,
    log::Frontier,
    membership::{Membership, MembershipChange},
    outcome::Outcome,
    registry::{SignerSet, SystemKey, signer_set_digest},
    state::{Entry, StateKey, Trie},
};

use crate::{
    Fatal,
    block::{BlockAt, BlockRun, Tools, Written},
    effects::{BlockEffects, GenesisEffects, StateWrites},
    overlay::{Change, Changes},
    precheck::{KeyCache, PreparedBlock},
    registry::Registry,
    runtime::Runtime,
    view::{CheckedView, StateView, ViewError},
};

/// The newest executed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Ledger and epoch.
    pub origin: Origin,
    /// Height, 0 before the first block.
    pub height: u64,
    /// Ledger time, milliseconds since 1970; before the first block, when genesis was made.
    pub time_ms: u64,
    /// Content hash, [`Hash::ZERO`] before the first block.
    pub content: Hash,
}

/// What a store kept of a ledger. The entries come in ascending order of their keys.
pub struct Persisted<P, L> {
    /// The newest executed block.
    pub tip: Tip,
    /// Root of the state tree after it.
    pub state_root: Hash,
    /// The log after it.
    pub log: Frontier,
    /// The Raft group, as of the newest executed entry.
    pub membership: Membership,
    /// All plain keys with their values.
    pub plain: P,
    /// All record logs with the frontiers over their entries.
    pub record_logs: L,
}

/// Executes blocks: keeps the state tree and the log's frontier, and reads values through a
/// [`StateView`]. A block that fails ([`Fatal`]) leaves it as it was. A clone goes its own way and
/// shares the tree's nodes.
#[derive(Clone)]
pub struct Ledger {
    runtime: Arc<Runtime>,
    keys: Arc<KeyCache>,
    tip: Tip,
    trie: Trie,
    log: Frontier,
    /// The Raft group in force. What changed since the newest block is written with the next one.
    membership: Membership,
}

impl Ledger {
    /// The ledger of a channel before its first block.
    ///
    /// # Errors
    /// [`Fatal::Genesis`], [`Fatal::MissingCode`] and [`Fatal::Runtime`].
    pub fn from_genesis(
        genesis: &Genesis,
        runtime: Arc<Runtime>,
        keys: Arc<KeyCache>,
    ) -> Result<(Ledger, GenesisEffects), Fatal> {
        let problems = genesis.problems();
        if !problems.is_empty() {
            return Err(Fatal::Genesis(problems));
        }
        for contract in &genesis.contracts {
            runtime.module(&contract.code_hash)?;
        }
        let changes = genesis_changes(genesis);
        let mut trie = Trie::new();
        trie.update(changes.iter().map(|(key, change)| (key, change.entry())));
        let effects = GenesisEffects {
            writes: StateWrites::new(changes, &Trie::new()),
            state_root: trie.root(),
        };
        let tip = Tip {
            origin: Origin { channel: genesis.hash(), epoch: 0 },
            height: 0,
            time_ms: genesis.created_ms,
            content: Hash::ZERO,
        };
        let membership = Membership::wanted(&genesis.nodes);
        Ok((Ledger { runtime, keys, tip, trie, log: Frontier::new(), membership }, effects))
    }

    /// The ledger as it was when `persisted` was written; `view` reads the same state.
    ///
    /// # Errors
    /// [`Fatal::RootMismatch`] if the state is not what was executed, and all but
    /// [`Fatal::Genesis`] and [`Fatal::Discontinuous`].
    pub fn restore<P, L>(
        persisted: Persisted<P, L>,
        view: &dyn StateView,
        runtime: Arc<Runtime>,
        keys: Arc<KeyCache>,
    ) -> Result<Ledger, Fatal>
    where
        P: IntoIterator<Item = Result<(StateKey, Vec<u8>), ViewError>>,
        L: IntoIterator<Item = Result<(StateKey, Frontier), ViewError>>,
    {
        let Persisted { tip, state_root, log, membership, plain, record_logs } = persisted;
        let plain = plain.into_iter().map(|item| item.map(|(k, v)| (k, Entry::plain(&v))));
        let logs = record_logs.into_iter();
        let logs = logs.map(|item| item.map(|(k, log)| (k, Entry::record_log(&log))));
        let mut failed = None;
        let entries =
            merged(plain, logs).map_while(|item| item.map_err(|error| failed = Some(error)).ok());
        let trie = Trie::from_sorted(entries).map_err(|_| Fatal::NotAscending)?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        if trie.root() != state_root {
            return Err(Fatal::RootMismatch { expected: state_root, found: trie.root() });
        }
        for contract in Registry::new(&CheckedView { trie: &trie, view }).contracts()? {
            runtime.module(&contract.code_hash)?;
        }
        Ok(Ledger { runtime, keys, tip, trie, log, membership })
    }

    /// The newest executed block.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The log.
    pub fn log(&self) -> &Frontier {
        &self.log
    }

    /// The state tree, to prove from. Cloning it keeps this version.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// The Raft group in force.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Executes a change of the Raft group: it takes effect if the registry asks for it, which all
    /// nodes decide alike. Returns whether it did.
    ///
    /// # Errors
    /// [`Fatal::View`].
    pub fn change_members(
        &mut self,
        change: MembershipChange,
        view: &dyn StateView,
    ) -> Result<bool, Fatal> {
        let state = CheckedView { trie: &self.trie, view };
        let node = Registry::new(&state).node(change.node())?;
        let after = self.membership.after(change, node.as_ref());
        let asked = after.is_some();
        self.membership = after.unwrap_or_else(|| self.membership.clone());
        Ok(asked)
    }

    /// Executes the next block. `view` reads the state as it was after the last one.
    ///
    /// # Errors
    /// See [`Fatal`]. The ledger is then as before.
    pub fn execute(
        &mut self,
        prepared: &PreparedBlock,
        view: &dyn StateView,
    ) -> Result<BlockEffects, Fatal> {
        let at = self.place(prepared)?;
        let before = CheckedView { trie: &self.trie, view };
        let tools = Tools { runtime: &self.runtime, keys: &self.keys };
        let mut run = BlockRun::new(at, &before, self.log.clone(), tools)?;
        run.note_membership(&self.membership)?;
        run.prune(&self.trie);
        for (index, item) in (0..).zip(&prepared.items) {
            run.item(index, item)?;
        }
        let (changes, written, signer_set) = run.close()?;
        let mut trie = self.trie.clone();
        trie.update(changes.iter().map(|(key, change)| (key, change.entry())));
        let writes = StateWrites::new(changes, &self.trie);
        let effects = self.effects(prepared, at, written, (trie.root(), signer_set), writes);
        self.tip = Tip {
            origin: at.origin,
            height: at.height,
            time_ms: at.time_ms,
            content: effects.content,
        };
        self.trie = trie;
        self.log = effects.log.clone();
        Ok(effects)
    }

    /// Checks that a block continues this ledger. Consensus has checked it before: a block that
    /// does not is a fault of this node, or of everyone's.
    fn place(&self, prepared: &PreparedBlock) -> Result<BlockAt, Fatal> {
        let (header, content) = (&prepared.block.header, &prepared.content);
        if header.origin != self.tip.origin {
            return Err(Fatal::Discontinuous("it is of another channel or epoch"));
        }
        if header.previous != self.tip.content {
            return Err(Fatal::Discontinuous("another block precedes it"));
        }
        if content.time_ms <= self.tip.time_ms {
            return Err(Fatal::Discontinuous("its time is not after the last block's"));
        }
        if content.version != PROTOCOL_VERSION {
            return Err(Fatal::Discontinuous("it is of another protocol version"));
        }
        Ok(BlockAt { origin: header.origin, height: self.tip.height + 1, time_ms: content.time_ms })
    }

    /// Appends the block leaf and gathers what changed.
    fn effects(
        &self,
        prepared: &PreparedBlock,
        at: BlockAt,
        written: Written,
        (state_root, signer_set): (Hash, SignerSet),
        writes: StateWrites,
    ) -> BlockEffects {
        let Written { mut log, outcomes, fates, events } = written;
        let header = &prepared.block.header;
        let committed =
            outcomes.iter().filter(|(_, record)| record.outcome == Outcome::Committed).count();
        let leaf = BlockLeaf {
            version: LEAF_VERSION,
            kind: LeafKind::Block,
            channel: at.origin.channel,
            epoch: at.origin.epoch,
            height: at.height,
            previous: header.previous,
            content: header.content,
            time_ms: at.time_ms,
            term: header.term,
            leader_signature: leader_signature_digest(&header.leader, &prepared.block.signature),
            state_root,
            committed: committed as u32,
            rejected: (outcomes.len() - committed) as u32,
            signer_set_version: signer_set.version,
            signer_set: signer_set.digest,
            protocol_version: prepared.content.version,
        };
        log.append(cbor::encode(&leaf));
        BlockEffects {
            height: at.height,
            time_ms: at.time_ms,
            content: header.content,
            writes,
            state_root,
            first_leaf: log.first_leaf,
            leaves: log.leaves,
            log_nodes: log.nodes,
            log_root: log.frontier.root(),
            log: log.frontier,
            outcomes,
            fates,
            events,
        }
    }
}

/// The first state: the genesis' entries and execution's own.
fn genesis_changes(genesis: &Genesis) -> Changes {
    let attest = genesis
        .parameters
        .iter()
        .find(|p| p.name == precinto_protocol::registry::parameter::ATTEST_MEMBERS);
    let digest = signer_set_digest(attest.map(|p| p.value), &genesis.nodes);
    let mut entries = genesis.entries();
    entries.insert(SystemKey::time(), cbor::encode(&genesis.created_ms));
    entries.insert(SystemKey::signer_set(), cbor::encode(&SignerSet { version: 1, digest }));
    entries.into_iter().map(|(key, value)| (key, Change::Plain(Some(value)))).collect()
}

type Loaded = Result<(StateKey, Entry), ViewError>;

/// Two ascending sequences as one; an error comes as soon as it is met.
fn merged(
    plain: impl Iterator<Item = Loaded>,
    logs: impl Iterator<Item = Loaded>,
) -> impl Iterator<Item = Loaded> {
    let (mut plain, mut logs) = (plain.peekable(), logs.peekable());
    iter::from_fn(move || {
        let log_first = match (plain.peek(), logs.peek()) {
            (None, _) | (_, Some(Err(_))) => true,
            (Some(Ok((plain, _))), Some(Ok((log, _)))) => log < plain,
            _ => false,
        };
        if log_first { logs.next() } else { plain.next() }
    })
}
