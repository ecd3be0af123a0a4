//! Snapshots: made for followers that fell behind, fetched by a node that did.

mod chunks;
mod serving;
mod staging;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use anyhow::ensure;
use precinto_consensus::{Applied, Input, SnapshotMark, SnapshotOffer};
use precinto_core::{
    LedgerCell,
    open::{self, Tools},
};
use precinto_execution::Ledger as Executor;
use precinto_network::{NetworkHandle, Request};
use precinto_protocol::{cbor, genesis::Genesis, identity::NodeId};
use precinto_storage::{
    ChannelDirectory, Ledger, RaftLog, StorageError,
    snapshot::{Manifest, SNAPSHOT_CHUNK_BYTES},
};
use tokio::{task::spawn_blocking, time::interval};

use self::{
    chunks::Chunks,
    serving::{Served, Serving},
    staging::{GRACE, Refused, Staged, Staging},
};
use super::{
    apply::Install, disk::Disk, halt::Halt, messages::SnapshotRequest, metrics::Metrics, owner,
    raft::RaftHandle, verify::Work,
};

/// What snapshots are made from and go to.
pub(super) struct Snapshots {
    /// The channel's directory.
    pub directory: ChannelDirectory,
    /// The channel's Raft log.
    pub raft_log: RaftLog,
    /// The ledger in use.
    pub ledger: LedgerCell,
    /// The channel's genesis.
    pub genesis: Genesis,
    /// What execution needs.
    pub tools: Tools,
    /// The peers.
    pub network: NetworkHandle,
    /// The replica.
    pub raft: RaftHandle,
    /// Where snapshots go.
    pub disk: Arc<Disk>,
    /// Whether this node takes no snapshot any more.
    pub halt: Halt,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// The way to the apply thread.
    pub work: mpsc::Sender<Work>,
    /// What changes.
    pub state: SnapshotState,
}

/// What changes about [`Snapshots`].
#[derive(Default)]
pub(super) struct SnapshotState {
    building: AtomicBool,
    serving: Serving,
    staging: Staging<Executor>,
    refused: Refused,
}

impl Snapshots {
    /// Builds a snapshot of the ledger as it is, unless one is being built, and offers it to the
    /// replica.
    pub(super) fn build(self: &Arc<Self>) {
        if self.state.building.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        owner::spawn_task("snapshot build", async move {
            this.blocking(Self::build_now).await;
            this.state.building.store(false, Ordering::Release);
        });
    }

    fn build_now(self: &Arc<Self>) {
        let view = self.ledger.view();
        match self.state.serving.build(&self.directory.snapshots(), &view) {
            Ok(source) => {
                tracing::info!(index = source.mark.index, "made a snapshot");
                self.raft.own(Input::SnapshotReady(source));
            }
            Err(error) => tracing::error!(%error, "no snapshot was made"),
        }
    }

    /// Answers peers' requests for chunks until the node ends, one at a time: a chunk is a mebibyte
    /// in memory, and read in milliseconds.
    pub(super) async fn serve(self: Arc<Self>, mut requests: tokio::sync::mpsc::Receiver<Request>) {
        self.blocking(Self::reopen).await;
        let mut sweep = interval(GRACE);
        loop {
            tokio::select! {
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    self.blocking(|this| this.answer(request)).await;
                }
                _ = sweep.tick() => self.blocking(Self::sweep).await,
            }
        }
    }

    fn reopen(self: &Arc<Self>) {
        match self.state.serving.reopen(&self.directory.snapshots()) {
            Ok(Some(source)) => self.raft.own(Input::SnapshotReady(source)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an earlier snapshot is not served"),
        }
    }

    fn sweep(self: &Arc<Self>) {
        if let Err(error) = self.state.staging.sweep(&self.directory, GRACE) {
            tracing::error!(%error, "a replaced ledger was not removed");
        }
    }

    fn answer(self: &Arc<Self>, request: Request) {
        let Ok(SnapshotRequest::Chunk { index, chunk }) = cbor::decode(&request.body) else {
            tracing::warn!(node = request.from, "a malformed snapshot request was dropped");
            return;
        };
        match self.state.serving.chunk(index, chunk as usize) {
            Ok(Served::Chunk { bytes, last }) => {
                // A peer that went away asks again.
                if request.respond.respond(bytes).is_ok() && last {
                    self.delivered(request.from, true);
                }
            }
            Ok(Served::Gone) => {
                // An empty answer says so; the peer is to be offered another.
                let _ = request.respond.respond(Vec::new());
                self.delivered(request.from, false);
            }
            Err(error) => {
                tracing::error!(%error, index, "a snapshot cannot be served");
                self.delivered(request.from, false);
                self.build();
            }
        }
    }

    fn delivered(&self, node: NodeId, complete: bool) {
        self.raft.own(Input::SnapshotDelivered { node, complete });
    }

    /// Fetches an offered snapshot and tells the replica.
    pub(super) fn fetch(self: &Arc<Self>, offer: SnapshotOffer) {
        let this = self.clone();
        owner::spawn_task("snapshot download", async move {
            let index = offer.mark.index;
            tracing::info!(index, from = offer.from, "fetching a snapshot");
            match this.fetch_now(&offer).await {
                Ok((applied, staged)) => {
                    this.state.staging.stage(offer.mark, staged);
                    this.raft.own(Input::SnapshotStaged(applied));
                }
                Err(error) => {
                    this.failed(&offer, &error);
                    this.raft.own(Input::SnapshotFailed(index));
                }
            }
        });
    }

    /// A snapshot that is false is somebody's lie, or the damage of a disk: an operator should know
    /// whose. Any other failure passes.
    fn failed(&self, offer: &SnapshotOffer, error: &anyhow::Error) {
        let (index, from) = (offer.mark.index, offer.from);
        let text = format!("{error:#}");
        if matches!(error.downcast_ref(), Some(StorageError::BadSnapshot(_))) {
            self.state.refused.note(from);
            self.metrics.alarms.with_label_values(&["snapshot"]).inc();
            tracing::error!(index, from, error = text, "a peer's snapshot was refused");
        } else {
            tracing::warn!(index, from, error = text, "no snapshot was fetched");
        }
    }

    async fn fetch_now(
        self: &Arc<Self>,
        offer: &SnapshotOffer,
    ) -> anyhow::Result<(Applied, Staged<Executor>)> {
        ensure!(self.halt.reason().is_none(), "this node halted");
        ensure!(!self.state.refused.lately(offer.from), "this peer's last snapshot was refused");
        let manifest = manifest_of(offer)?;
        let bytes = manifest.chunks.len() as u64 * SNAPSHOT_CHUNK_BYTES as u64;
        ensure!(self.disk.has_room_for(bytes), "the disk has no room for {bytes} bytes");
        let SnapshotMark { index, term } = offer.mark;
        let (content, time_ms) = (manifest.block.content, manifest.block.time_ms);
        let this = self.clone();
        let mut install = spawn_blocking(move || {
            let identity = *this.raft_log.identity();
            this.state.staging.begin(&this.directory, identity, manifest)
        })
        .await??;
        let chunks = Chunks { network: &self.network, from: offer.from, index };
        while let Some(chunk) = install.loader().next_chunk() {
            ensure!(self.disk.has_room_for(0), "the disk is full");
            let bytes = chunks.fetch(chunk as u32).await?;
            let put = spawn_blocking(move || install.loader().put_chunk(&bytes).map(|()| install));
            install = put.await??;
        }
        let (genesis, tools) = (self.genesis.clone(), self.tools.clone());
        let verified = spawn_blocking(move || open::verify(install, &genesis, &tools)).await??;
        let (ledger, executor) = verified;
        Ok((Applied { index, term, content, time_ms }, Staged { ledger, executor }))
    }

    /// Drops a staged snapshot that is not needed any more.
    pub(super) fn discard(&self, index: u64) {
        self.state.staging.discard(index);
    }

    /// Makes the staged snapshot the ledger; returns once it is in use. For the log writer.
    ///
    /// # Errors
    /// [`NotInstalled`]: the log must not start anew after it.
    pub(super) fn install(&self, mark: SnapshotMark) -> Result<(), NotInstalled> {
        let Some(Staged { ledger, executor }) = self.state.staging.take(mark) else {
            owner::halt("the replica installs a snapshot that was not staged");
        };
        let raft_log = self.raft_log.clone();
        let (done, installed) = mpsc::channel();
        let activate = move |old: &Ledger| Ok((ledger.activate(&raft_log, old)?, executor));
        let work = Work::Install(Box::new(Install { activate: Box::new(activate), done }));
        if self.work.send(work).is_err() {
            owner::halt("the apply thread ended before a snapshot was installed");
        }
        // A halted node's apply thread drops what it is asked.
        installed.recv().map_err(|_| NotInstalled)?;
        self.state.staging.installed();
        tracing::info!(index = mark.index, "a snapshot took over");
        Ok(())
    }

    /// Does work that reads or writes files.
    async fn blocking(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let this = self.clone();
        let done = spawn_blocking(move || work(&this)).await;
        done.expect("a panic here ends the process, as on an owner thread");
    }
}

/// The node halted before the snapshot became its ledger: it keeps the ledger and the log it has.
#[derive(Debug)]
pub(super) struct NotInstalled;

/// The manifest of an offer, if it is of what was offered.
fn manifest_of(offer: &SnapshotOffer) -> Result<Manifest, StorageError> {
    let manifest = Manifest::decode(&offer.manifest)?;
    let mark = SnapshotMark { index: manifest.applied.index, term: manifest.applied.term };
    let same = mark == offer.mark && manifest.membership == cbor::encode(&offer.membership);
    let bad = || StorageError::BadSnapshot("the manifest is of another entry or group".into());
    same.then_some(manifest).ok_or_else(bad)
}

#[cfg(test)]
mod tests;
