//! Snapshots: built for followers that fell behind, fetched by a node that did.

use std::collections::BTreeMap;

use precinto_consensus::{Applied, Input, SnapshotMark, SnapshotOffer, SnapshotSource};
use precinto_core::{apply::Done, open};
use precinto_protocol::{cbor, identity::NodeId};
use precinto_storage::{
    LedgerInstall, StorageError,
    snapshot::{Manifest, build},
};

use super::Process;
use crate::{
    event::{Body, Wake},
    parameters::SECOND,
    stage::{Stage, Step, Stop},
};

/// Snapshots kept to serve: the newest, and the one before it that a peer may still be fetching.
const KEPT: usize = 2;

/// How long a chunk is waited for.
const CHUNK_WITHIN: u64 = SECOND;

/// Times a chunk is asked for before the download is given up.
const ATTEMPTS: u32 = 5;

/// The snapshots that a machine keeps, by Raft index; they outlive its processes.
pub(crate) type Served = BTreeMap<u64, (Manifest, Vec<Vec<u8>>)>;

/// A download.
pub(crate) struct Fetch {
    offer: SnapshotOffer,
    applied: Applied,
    install: LedgerInstall,
    request: u64,
    attempts: u32,
}

/// A complete snapshot beside the ledger.
pub(crate) struct Staged {
    mark: SnapshotMark,
    install: LedgerInstall,
}

impl Process {
    /// What the machine keeps when the process ends.
    pub(crate) fn served(&mut self) -> Served {
        std::mem::take(&mut self.served)
    }

    pub(super) fn reopen_snapshots(&mut self, stage: &mut Stage) {
        if let Some((_, (manifest, _))) = self.served.last_key_value()
            && let Some(source) = source(manifest)
        {
            self.feed(Input::SnapshotReady(source), stage);
        }
    }

    pub(super) fn build(&mut self, stage: &mut Stage) -> Step {
        self.building = false;
        let mut chunks = Vec::new();
        let manifest = build(&self.ledger.view(), |chunk| {
            chunks.push(chunk.to_vec());
            Ok(())
        })?;
        let index = manifest.applied.index;
        stage.trace.event(stage.now, self.host.node, "built", index, manifest.hash().as_bytes());
        stage.count("snapshots built");
        let source = source(&manifest);
        self.served.insert(index, (manifest, chunks));
        while self.served.len() > KEPT {
            self.served.pop_first();
        }
        if let Some(source) = source {
            self.feed(Input::SnapshotReady(source), stage);
        }
        Ok(())
    }

    pub(super) fn serve_chunk(
        &mut self,
        (to, request): (NodeId, u64),
        (index, chunk): (u64, usize),
        stage: &mut Stage,
    ) {
        let chunks = self.served.get(&index).map(|(_, chunks)| chunks);
        let bytes = chunks.and_then(|chunks| chunks.get(chunk)).cloned().unwrap_or_default();
        let last = chunks.is_some_and(|chunks| chunk + 1 == chunks.len());
        if last || bytes.is_empty() {
            self.feed(Input::SnapshotDelivered { node: to, complete: last }, stage);
        }
        stage.send(self.host.node, to, Body::Chunk(request, bytes));
    }

    pub(super) fn fetch(&mut self, offer: SnapshotOffer, stage: &mut Stage) -> Step {
        stage.count("snapshots offered");
        let Ok(manifest) = Manifest::decode(&offer.manifest) else {
            self.feed(Input::SnapshotFailed(offer.mark.index), stage);
            return Ok(());
        };
        let SnapshotMark { index, term } = offer.mark;
        let (content, time_ms) = (manifest.block.content, manifest.block.time_ms);
        let applied = Applied { index, term, content, time_ms };
        // Whatever came before is over, and its files are removed.
        (self.fetch, self.staged) = (None, None);
        self.host.directory.remove_leftovers()?;
        let install = self.host.directory.begin_install(*self.raft_log.identity(), manifest)?;
        self.fetch = Some(Fetch { offer, applied, install, request: 0, attempts: 0 });
        self.ask_chunk(stage);
        Ok(())
    }

    /// Asks for the next chunk, or stages what is complete.
    fn ask_chunk(&mut self, stage: &mut Stage) {
        let request = self.number();
        let Some(fetch) = &mut self.fetch else { return };
        let Some(chunk) = fetch.install.loader().next_chunk() else {
            if let Some(Fetch { offer, applied, install, .. }) = self.fetch.take() {
                self.staged = Some(Staged { mark: offer.mark, install });
                self.feed(Input::SnapshotStaged(applied), stage);
            }
            return;
        };
        fetch.request = request;
        fetch.attempts += 1;
        let (from, index) = (fetch.offer.from, fetch.offer.mark.index);
        stage.send(self.host.node, from, Body::AskChunk { request, index, chunk });
        self.wake(CHUNK_WITHIN, Wake::GiveUp(request), stage);
    }

    pub(super) fn chunk(&mut self, request: u64, bytes: &[u8], stage: &mut Stage) -> Step {
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.request == request) else {
            return Ok(());
        };
        match fetch.install.loader().put_chunk(bytes) {
            Ok(()) => {
                fetch.attempts = 0;
                self.ask_chunk(stage);
            }
            Err(StorageError::BadSnapshot(_)) => self.fetch_failed(stage),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A chunk did not come in time; `false` if the number is not of one.
    pub(super) fn chunk_is_late(&mut self, request: u64, stage: &mut Stage) {
        let Some(fetch) = self.fetch.as_ref().filter(|fetch| fetch.request == request) else {
            return;
        };
        if fetch.attempts < ATTEMPTS { self.ask_chunk(stage) } else { self.fetch_failed(stage) }
    }

    fn fetch_failed(&mut self, stage: &mut Stage) {
        if let Some(fetch) = self.fetch.take() {
            stage.count("snapshot downloads failed");
            self.feed(Input::SnapshotFailed(fetch.offer.mark.index), stage);
        }
    }

    pub(super) fn discard(&mut self, index: u64) {
        self.staged.take_if(|staged| staged.mark.index == index);
    }

    /// Makes the staged snapshot the ledger.
    pub(super) fn install(&mut self, mark: SnapshotMark, stage: &mut Stage) -> Step<Done> {
        let staged = self.staged.take_if(|staged| staged.mark == mark);
        let Some(Staged { install, .. }) = staged else {
            return Err(Stop::Ends("the replica installs a snapshot that was not staged".into()));
        };
        let (genesis, tools) = (&stage.channel.genesis, &self.tools);
        let mut executor = None;
        let ledger = install.activate(&self.raft_log, &self.ledger.get(), |view| {
            let restored = open::restore(view, genesis, tools);
            let restored =
                restored.map_err(|error| StorageError::BadSnapshot(error.to_string()))?;
            executor = Some(restored);
            Ok(())
        })?;
        let executor = executor.expect("an activated snapshot was checked");
        stage.watch.installed(self.host.node, &ledger)?;
        stage.trace.event(stage.now, self.host.node, "installed", mark.index, &[]);
        stage.count("snapshots installed");
        Ok(self.applier.install(ledger, executor)?)
    }
}

fn source(manifest: &Manifest) -> Option<SnapshotSource> {
    let mark = SnapshotMark { index: manifest.applied.index, term: manifest.applied.term };
    let membership = cbor::decode(&manifest.membership).ok()?;
    Some(SnapshotSource { mark, membership, manifest: manifest.encode() })
}
