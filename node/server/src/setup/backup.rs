//! `precinto node backup`: one file with what a node's peers cannot give back.
//!
//! That is its configuration, the accounts with their pseudonym seeds, webhooks, the channel's lookup
//! key, and whatever else lies in its directory; not the ledger and the Raft log, which come from
//! peers; not the node's own keys: a node that is made from a backup is a new one, with new keys; and
//! not the audit trail, which grows without end and is archived on its own.
//!
//! The file holds secrets. It is readable by its owner alone (mode 0600) and not encrypted: keep it
//! where the node's keys may be kept, or encrypt it on the way there.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use minicbor::{Decode, Encode};
use precinto_protocol::{
    cbor,
    genesis::Genesis,
    hash::{Hash, tagged},
    identity::NodeId,
};
use zeroize::Zeroizing;

use super::genesis::read_genesis;
use crate::{
    keyfile,
    node_config::{CONTACTS_FILE, NODE_FILE, NodeConfig},
};

/// Version of the file's format.
const VERSION: u32 = 1;

/// A backup, in bytes: it is made and read in memory. Configuration and modules take one mebibyte.
const MAX_BACKUP_BYTES: u64 = 256 * 1024 * 1024;

/// What a node's directory holds and its backup does not, besides the data and key directories.
const LEFT_OUT: [&str; 4] = [NODE_FILE, CONTACTS_FILE, "node.log", super::successor::REQUEST_FILE];

/// See the module. CBOR `[version, node, genesis, configuration, lookup key, modules, files]`.
#[derive(Encode, Decode)]
pub struct Backup {
    #[n(0)]
    version: u32,
    /// The node it is of.
    #[n(1)]
    pub node: NodeId,
    /// The channel's genesis.
    #[n(2)]
    pub genesis: Genesis,
    /// Text of `node.toml`.
    #[n(3)]
    pub configuration: String,
    #[cbor(n(4), with = "minicbor::bytes")]
    lookup_key: [u8; 32],
    /// Contract modules: file name and bytes.
    #[n(5)]
    modules: Vec<SavedFile>,
    /// Other files of the directory, by path within it.
    #[n(6)]
    files: Vec<SavedFile>,
}

#[derive(Encode, Decode)]
struct SavedFile {
    #[n(0)]
    path: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    bytes: Vec<u8>,
}

/// The file: a digest that tells a damaged copy, and the backup's encoding.
#[derive(Encode, Decode)]
struct Envelope {
    #[n(0)]
    digest: Hash,
    #[cbor(n(1), with = "minicbor::bytes")]
    backup: Vec<u8>,
}

impl Backup {
    /// Of the node in `dir`, running or not.
    pub fn take(dir: &Path) -> anyhow::Result<Backup> {
        let file = dir.join(NODE_FILE);
        let config = NodeConfig::read(&file)?;
        let mut size = 0;
        let modules = collect(&config.code, &[], &mut size)?;
        let aside = [config.data.as_path(), &config.keys, &config.code, &config.audit];
        let files = collect(dir, &aside, &mut size)?;
        Ok(Backup {
            version: VERSION,
            node: config.node,
            genesis: read_genesis(&config.genesis)?,
            configuration: fs::read_to_string(&file)?,
            lookup_key: *keyfile::read(&config.keys.join("lookup.key"))?,
            modules,
            files,
        })
    }

    /// Writes the new file `path`.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let backup = cbor::encode(self);
        let bytes = Zeroizing::new(cbor::encode(&Envelope { digest: digest(&backup), backup }));
        create_private(path, &bytes)
    }

    /// Reads a backup and checks that it is whole.
    pub fn read(path: &Path) -> anyhow::Result<Backup> {
        let name = path.display();
        let size = fs::metadata(path).with_context(|| format!("cannot read {name}"))?.len();
        ensure!(size <= 2 * MAX_BACKUP_BYTES, "{name} is too large for a backup");
        let bytes = Zeroizing::new(fs::read(path)?);
        let envelope: Envelope = cbor::decode(&bytes)
            .ok()
            .with_context(|| format!("{name} is no backup of a node, or damaged"))?;
        ensure!(digest(&envelope.backup) == envelope.digest, "{name} is damaged");
        let backup: Backup = cbor::decode(&envelope.backup)
            .with_context(|| format!("{name} is of another release"))?;
        ensure!(backup.version == VERSION, "{name} is of another release");
        Ok(backup)
    }

    /// Writes into a new node's directory all but configuration and node keys.
    pub fn unpack(&self, dir: &Path) -> anyhow::Result<()> {
        for (place, files) in [(dir.join("code"), &self.modules), (dir.to_owned(), &self.files)] {
            for file in files {
                let path = place.join(within(&file.path)?);
                let parent = path.parent().expect("a file is in a directory");
                private_directory(parent)?;
                create_private(&path, &file.bytes)?;
            }
        }
        private_directory(&dir.join("keys"))?;
        keyfile::create(&dir.join("keys/lookup.key"), &self.lookup_key)?;
        fs::write(dir.join(super::genesis::GENESIS_FILE), cbor::encode(&self.genesis))?;
        Ok(())
    }
}

fn digest(backup: &[u8]) -> Hash {
    tagged("precinto/node-backup", &[backup])
}

/// The regular files below `root`, but for the directories `aside`.
fn collect(root: &Path, aside: &[&Path], size: &mut u64) -> anyhow::Result<Vec<SavedFile>> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = path.strip_prefix(root).expect("it was found below");
            let name = name.to_str().with_context(|| format!("{}: not UTF-8", path.display()))?;
            if kind.is_dir() && !aside.contains(&path.as_path()) {
                open.push(path);
            } else if kind.is_file() && !LEFT_OUT.contains(&name) {
                *size += fs::metadata(&path)?.len();
                ensure!(*size <= MAX_BACKUP_BYTES, "more than {MAX_BACKUP_BYTES} bytes to back up");
                files.push(SavedFile { path: name.to_owned(), bytes: fs::read(&path)? });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A path that stays below where it is joined.
fn within(path: &str) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(path);
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(path);
    }
    bail!("the backup names a file outside of the node's directory: {}", path.display())
}

/// Makes a directory that its owner alone may enter; one that exists stays as it is.
pub(super) fn private_directory(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(())
}

fn create_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}
