//! Snapshots: made for followers that fell behind, fetched by a node that did.

mod chunks;
mod serving;
mod staging;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use anyhow::{Context, ensure};
use precinto_consensus::{Applied, Input, SnapshotMark, SnapshotOffer};
use precinto_core::{
    LedgerCell,
    open::{self, Tools},
};
use precinto_network::{NetworkHandle, Request};
use precinto_protocol::{cbor, genesis::Genesis, identity::NodeId};
use precinto_storage::{
    ChannelDirectory, Ledger, LedgerInstall, RaftLog, StorageError,
    snapshot::{Manifest, SNAPSHOT_CHUNK_BYTES},
};
use tokio::{task::spawn_blocking, time::interval};

use self::{
    chunks::Chunks,
    serving::{Served, Serving},
    staging::{GRACE, Staging},
};
use super::{
    apply::Install, disk::Disk, messages::SnapshotRequest, owner, raft::RaftHandle, verify::Work,
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
    staging: Staging,
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
                Ok((applied, install)) => {
                    this.state.staging.stage(offer.mark, install);
                    this.raft.own(Input::SnapshotStaged(applied));
                }
                Err(error) => {
                    tracing::warn!(index, error = format!("{error:#}"), "no snapshot was fetched");
                    this.raft.own(Input::SnapshotFailed(index));
                }
            }
        });
    }

    async fn fetch_now(
        self: &Arc<Self>,
        offer: &SnapshotOffer,
    ) -> anyhow::Result<(Applied, LedgerInstall)> {
        let manifest = Manifest::decode(&offer.manifest)?;
        let SnapshotMark { index, term } = offer.mark;
        ensure!(
            (manifest.applied.index, manifest.applied.term) == (index, term),
            "the manifest is of another entry than offered"
        );
        let bytes = manifest.chunks.len() as u64 * SNAPSHOT_CHUNK_BYTES as u64;
        ensure!(self.disk.has_room_for(bytes), "the disk has no room for {bytes} bytes");
        ensure!(
            manifest.membership == cbor::encode(&offer.membership),
            "the manifest is of another group than offered"
        );
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
        Ok((Applied { index, term, content, time_ms }, install))
    }

    /// Drops a staged snapshot that is not needed any more.
    pub(super) fn discard(&self, index: u64) {
        self.state.staging.discard(index);
    }

    /// Makes the staged snapshot the ledger; returns once it is in use. For the log writer.
    pub(super) fn install(&self, mark: SnapshotMark) {
        let Some(install) = self.state.staging.take(mark) else {
            owner::halt("the replica installs a snapshot that was not staged");
        };
        let (raft_log, genesis, tools) =
            (self.raft_log.clone(), self.genesis.clone(), self.tools.clone());
        let (done, installed) = mpsc::channel();
        let activate = move |old: &Ledger| {
            let mut executor = None;
            let ledger = install.activate(&raft_log, old, |view| {
                let restored = open::restore(view, &genesis, &tools);
                executor = Some(
                    restored.map_err(|error| StorageError::BadSnapshot(format!("{error:#}")))?,
                );
                Ok(())
            })?;
            Ok((ledger, executor.context("the snapshot was checked")?))
        };
        let work = Work::Install(Box::new(Install { activate: Box::new(activate), done }));
        if self.work.send(work).is_err() || installed.recv().is_err() {
            owner::halt("the apply thread ended before a snapshot was installed");
        }
        self.state.staging.installed();
        tracing::info!(index = mark.index, "a snapshot took over");
    }

    /// Does work that reads or writes files.
    async fn blocking(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let this = self.clone();
        let done = spawn_blocking(move || work(&this)).await;
        done.expect("a panic here ends the process, as on an owner thread");
    }
}

#[cfg(test)]
mod tests;
