//! Snapshots: made for followers that fell behind, fetched by a node that did.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use anyhow::{Context, bail};
use precinto_consensus::{Applied, Input, SnapshotMark, SnapshotOffer, SnapshotSource};
use precinto_network::{NetworkHandle, Request, RequestLane};
use precinto_protocol::{cbor, genesis::Genesis, identity::NodeId};
use precinto_storage::{
    ChannelDirectory, LedgerInstall, RaftLog,
    snapshot::{Manifest, SnapshotFiles},
};

use super::{
    apply::Install,
    boot::{self, Tools},
    ledger_cell::LedgerCell,
    messages::SnapshotRequest,
    owner,
    raft::RaftHandle,
    verify::Work,
};

/// How long a peer may take to answer with one chunk.
const CHUNK_WITHIN: Duration = Duration::from_secs(10);

/// How often one chunk is asked for before the download is given up.
const CHUNK_TRIES: u32 = 5;

/// Pause before a chunk is asked for again.
const CHUNK_PAUSE: Duration = Duration::from_millis(500);

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
    /// The way to the apply thread.
    pub work: mpsc::Sender<Work>,
    /// What changes.
    pub state: SnapshotState,
}

/// What changes about [`Snapshots`].
#[derive(Default)]
pub(super) struct SnapshotState {
    building: AtomicBool,
    serving: Mutex<BTreeMap<u64, Arc<SnapshotFiles>>>,
    staged: Mutex<Option<(SnapshotMark, LedgerInstall)>>,
}

impl Snapshots {
    /// Builds a snapshot of the ledger as it is, unless one is being built, and offers it to the
    /// replica.
    pub(super) fn build(self: &Arc<Self>) {
        if self.state.building.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            match this.build_now() {
                Ok(source) => this.raft.own(Input::SnapshotReady(source)),
                Err(error) => tracing::error!(error = format!("{error:#}"), "no snapshot was made"),
            }
            this.state.building.store(false, Ordering::Release);
        });
    }

    fn build_now(&self) -> anyhow::Result<SnapshotSource> {
        let files = SnapshotFiles::build(&self.directory.snapshots(), &self.ledger.view())?;
        let manifest = files.manifest();
        let mark = SnapshotMark { index: manifest.applied.index, term: manifest.applied.term };
        tracing::info!(index = mark.index, height = manifest.block.height, "made a snapshot");
        let source = SnapshotSource { mark, manifest: cbor::encode(manifest) };
        let mut serving = self.state.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.insert(mark.index, Arc::new(files));
        // Storage keeps the files of the two newest.
        while serving.len() > 2 {
            serving.pop_first();
        }
        Ok(source)
    }

    /// Answers peers' requests for chunks until the node ends.
    pub(super) async fn serve(self: Arc<Self>, mut requests: tokio::sync::mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            let this = self.clone();
            tokio::task::spawn_blocking(move || this.answer(request));
        }
    }

    fn answer(&self, request: Request) {
        let Ok(SnapshotRequest::Chunk { index, chunk }) = cbor::decode(&request.body) else {
            tracing::warn!(node = request.from, "a malformed snapshot request was dropped");
            return;
        };
        let serving = self.state.serving.lock().unwrap_or_else(PoisonError::into_inner);
        let files = serving.get(&index).cloned();
        drop(serving);
        let Some(files) = files else {
            // An empty answer: the snapshot is gone.
            let _ = request.respond.respond(Vec::new());
            return;
        };
        match files.chunk(chunk as usize) {
            Ok(bytes) => {
                let last = chunk as usize + 1 >= files.manifest().chunks.len();
                // A peer that went away asks again.
                let sent = request.respond.respond(bytes.unwrap_or_default()).is_ok();
                if last && sent {
                    self.delivered(request.from, true);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a snapshot cannot be served");
                self.delivered(request.from, false);
            }
        }
    }

    fn delivered(&self, node: NodeId, complete: bool) {
        self.raft.own(Input::SnapshotDelivered { node, complete });
    }

    /// Fetches an offered snapshot and tells the replica.
    pub(super) fn fetch(self: &Arc<Self>, offer: SnapshotOffer) {
        let this = self.clone();
        tokio::spawn(async move {
            let index = offer.mark.index;
            tracing::info!(index, from = offer.from, "fetching a snapshot");
            match this.fetch_now(&offer).await {
                Ok((applied, install)) => {
                    *this.staged() = Some((offer.mark, install));
                    this.raft.own(Input::SnapshotStaged(applied));
                }
                Err(error) => {
                    tracing::warn!(index, error = format!("{error:#}"), "no snapshot was fetched");
                    this.raft.own(Input::SnapshotFailed(index));
                }
            }
        });
    }

    async fn fetch_now(&self, offer: &SnapshotOffer) -> anyhow::Result<(Applied, LedgerInstall)> {
        let manifest: Manifest = cbor::decode(&offer.manifest).context("a malformed manifest")?;
        if manifest.applied.index != offer.mark.index || manifest.applied.term != offer.mark.term {
            bail!("the manifest is of another entry than offered");
        }
        let applied = Applied {
            index: offer.mark.index,
            term: offer.mark.term,
            content: manifest.block.content,
            time_ms: manifest.block.time_ms,
        };
        let mut install = self.directory.begin_install(*self.raft_log.identity(), manifest)?;
        while let Some(chunk) = install.loader().next_chunk() {
            let bytes = self.chunk(offer, chunk as u32).await?;
            install = tokio::task::spawn_blocking(move || {
                install.loader().put_chunk(&bytes).map(|()| install)
            })
            .await??;
        }
        Ok((applied, install))
    }

    async fn chunk(&self, offer: &SnapshotOffer, chunk: u32) -> anyhow::Result<bytes::Bytes> {
        let request = cbor::encode(&SnapshotRequest::Chunk { index: offer.mark.index, chunk });
        for _ in 0..CHUNK_TRIES {
            let body = request.clone();
            let lane = RequestLane::Snapshot;
            match self.network.request(offer.from, lane, body, CHUNK_WITHIN).await {
                Ok(bytes) if bytes.is_empty() => bail!("the peer has the snapshot no longer"),
                Ok(bytes) => return Ok(bytes),
                Err(error) => tracing::debug!(chunk, %error, "a chunk did not arrive"),
            }
            tokio::time::sleep(CHUNK_PAUSE).await;
        }
        bail!("chunk {chunk} did not arrive in {CHUNK_TRIES} tries")
    }

    /// Drops a staged snapshot that is not needed any more.
    pub(super) fn discard(&self, index: u64) {
        let mut staged = self.staged();
        if staged.as_ref().is_some_and(|(mark, _)| mark.index == index) {
            *staged = None;
        }
    }

    /// Makes the staged snapshot the ledger; returns once it is in use. For the log writer.
    pub(super) fn install(&self, mark: SnapshotMark) {
        let staged = self.staged().take().filter(|(staged, _)| *staged == mark);
        let Some((_, install)) = staged else {
            owner::halt("the replica installs a snapshot that was not staged");
        };
        let (raft_log, genesis, tools) =
            (self.raft_log.clone(), self.genesis.clone(), self.tools.clone());
        let (done, installed) = mpsc::channel();
        let activate = move |old: &precinto_storage::Ledger| {
            let mut executor = None;
            let ledger = install.activate(&raft_log, old, |view| {
                let restored = boot::restore(view, &genesis, &tools);
                executor = Some(restored.map_err(|error| {
                    precinto_storage::StorageError::BadSnapshot(format!("{error:#}"))
                })?);
                Ok(())
            })?;
            Ok((ledger, executor.context("the snapshot was checked")?))
        };
        let work = Work::Install(Box::new(Install { activate: Box::new(activate), done }));
        if self.work.send(work).is_err() || installed.recv().is_err() {
            owner::halt("the apply thread ended before a snapshot was installed");
        }
        tracing::info!(index = mark.index, "a snapshot took over");
    }

    fn staged(&self) -> std::sync::MutexGuard<'_, Option<(SnapshotMark, LedgerInstall)>> {
        self.state.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
