//! Regular work: syncing the ledger, looking at the disk, refreshing figures.

use std::{sync::Arc, time::Duration};

use precinto_consensus::Input;
use precinto_core::{LedgerCell, StatePort, pending::Pending};
use precinto_execution::Registry;
use precinto_network::NetworkHandle;
use precinto_protocol::{
    identity::{KeyId, MemberId},
    registry::{Identity, IdentityStatus},
};
use precinto_storage::{RaftLog, StorageError};
use tokio::{task::spawn_blocking, time::interval};

use super::{
    disk::Disk,
    halt::Halt,
    metrics::Metrics,
    owner,
    raft::{RaftHandle, wall_clock_ms},
};

/// How often the ledger is made safe from a power failure, which lets the Raft log be compacted.
const SYNC_EVERY: Duration = Duration::from_secs(2);

/// How often the disk is looked at. A disk takes at most some gigabytes a second; what it takes in
/// between is what the ballast is for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often gauges are refreshed.
const OBSERVE_EVERY: Duration = Duration::from_secs(1);

/// How often the keys of the member are looked at: their lives are counted in days.
const IDENTITIES_EVERY: Duration = Duration::from_secs(60);

/// Identities read at once.
const IDENTITIES_PAGE: usize = 256;

/// Identities looked at, at most; a member with more of them watches them elsewhere.
const MAX_IDENTITIES: usize = 16 * 1024;

/// What is kept in order.
#[derive(Clone)]
pub(super) struct House {
    /// The node's member.
    pub member: MemberId,
    /// The ledger in use.
    pub ledger: LedgerCell,
    /// The Raft log.
    pub raft_log: RaftLog,
    /// The replica.
    pub raft: RaftHandle,
    /// The peers.
    pub network: NetworkHandle,
    /// Accepted and unfinished transactions.
    pub pending: Arc<Pending>,
    /// What keeps this node from its full work.
    pub halt: Halt,
    /// The disk of the data.
    pub disk: Arc<Disk>,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl House {
    /// Starts the tasks; they run until the node ends.
    pub(super) fn keep(self) {
        owner::spawn_task("sync", self.clone().sync());
        owner::spawn_task("disk", self.clone().watch_disk());
        owner::spawn_task("identities", self.clone().watch_identities());
        owner::spawn_task("metrics", self.observe());
    }

    async fn sync(self) {
        let mut timer = interval(SYNC_EVERY);
        loop {
            timer.tick().await;
            let ledger = self.ledger.get();
            let synced = spawn_blocking(move || ledger.sync()).await;
            match synced.expect("syncing does not panic") {
                Ok(applied) => self.raft.own(Input::Synced(applied.index)),
                // A snapshot is taking this ledger's place. Or a write failed: whose it was ends
                // the process.
                Err(StorageError::WritesDisabled) => {}
                Err(error) => owner::halt(&format!("the ledger cannot be synced: {error}")),
            }
        }
    }

    /// The replica hears of what this node is fit for here alone, so that news never overtake each
    /// other; clocks are compared elsewhere ([`super::clock`]).
    async fn watch_disk(self) {
        let mut timer = interval(LOOK_EVERY);
        let mut told = None;
        loop {
            timer.tick().await;
            self.look_at_disk();
            let fitness = self.halt.fitness();
            if told.replace(fitness) != Some(fitness) {
                self.raft.own(Input::Fitness(fitness));
            }
        }
    }

    fn look_at_disk(&self) {
        let room = match self.disk.look() {
            Ok(room) => room,
            // What was known stays true until the next look.
            Err(error) => return tracing::error!(%error, "the disk cannot be looked at"),
        };
        self.metrics.storage.room(room);
        if !self.halt.set_disk_full(room.full) {
            return;
        }
        let free = room.free;
        if room.full {
            self.metrics.alarms.with_label_values(&["disk-full"]).inc();
            tracing::error!(
                free,
                "the disk is full: this node takes no writes until there is room"
            );
        } else {
            tracing::info!(free, "there is room on the disk again: writes go on");
        }
    }

    async fn watch_identities(self) {
        let mut timer = interval(IDENTITIES_EVERY);
        loop {
            timer.tick().await;
            let (ledger, member) = (self.ledger.clone(), self.member.clone());
            let read = spawn_blocking(move || identities_of(&ledger, &member)).await;
            match read.expect("reading the registry does not panic") {
                Ok(identities) => self.metrics.identities(&identities, wall_clock_ms()),
                Err(error) => tracing::error!(%error, "the member's keys cannot be read"),
            }
        }
    }

    async fn observe(self) {
        let mut timer = interval(OBSERVE_EVERY);
        loop {
            timer.tick().await;
            let ledger = self.ledger.get();
            self.metrics.raft.observe(&self.raft.status(), ledger.synced().index);
            self.metrics.pending.set(self.pending.unfinished() as i64);
            self.metrics.network.observe(&self.network);
            self.metrics.process.observe();
            self.metrics.storage.store("ledger", ledger.figures());
            self.metrics.storage.store("raft-log", self.raft_log.figures());
            if let Some(head) = ledger.head() {
                let block = head.block;
                self.metrics.ledger.stands_at(block.height, block.time_ms, block.log_size);
            }
        }
    }
}

/// The member's keys that are not revoked.
fn identities_of(
    ledger: &LedgerCell,
    member: &str,
) -> Result<Vec<Identity>, precinto_execution::ViewError> {
    let state = StatePort(ledger.view());
    let registry = Registry::new(&state);
    let (mut found, mut after, mut seen) = (Vec::new(), None, 0);
    while seen < MAX_IDENTITIES {
        let page = registry.identities(after.as_ref(), IDENTITIES_PAGE)?;
        seen += page.len();
        let Some(last) = page.last() else { break };
        after = Some(KeyId::of(&last.public_key));
        let ours = |identity: &Identity| {
            identity.member == member && identity.status == IdentityStatus::Active
        };
        found.extend(page.into_iter().filter(ours));
    }
    Ok(found)
}
