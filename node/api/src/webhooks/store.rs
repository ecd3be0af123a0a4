//! The file of webhooks: small, replaced as a whole, readable by its owner alone (it holds the
//! secrets that deliveries are signed with).

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::signature;
use crate::port::Cursor;

/// A webhook as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// 16 hexadecimal characters.
    pub(crate) id: String,
    /// Where events are posted.
    pub(crate) url: String,
    /// Topics, or their beginnings if they end with a full stop; all if empty.
    pub(crate) topics: Vec<String>,
    /// What deliveries are signed with; never shown again after it was made.
    pub(crate) secret: String,
    /// When it was made, milliseconds since 1970.
    pub(crate) created_ms: u64,
    /// The first event that is not delivered yet.
    #[serde(with = "cursor_text")]
    pub(crate) cursor: Cursor,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than its owner may read it.
    #[error("{0} may be read by others and holds secrets: run `chmod 600` on it")]
    Open(PathBuf),
    /// It does not hold webhooks.
    #[error("{path}: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

pub(super) struct Store {
    path: PathBuf,
    webhooks: Mutex<BTreeMap<String, Webhook>>,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Store, StoreError> {
        let webhooks = Mutex::new(read(path)?);
        Ok(Store { path: path.into(), webhooks })
    }

    pub(super) fn all(&self) -> Vec<Webhook> {
        self.lock().values().cloned().collect()
    }

    /// `false` if there are `max` already.
    pub(super) fn add(&self, webhook: &Webhook, max: usize) -> Result<bool, StoreError> {
        let mut webhooks = self.lock();
        if webhooks.len() >= max {
            return Ok(false);
        }
        self.replace(&mut webhooks, |all| {
            all.insert(webhook.id.clone(), webhook.clone());
        })?;
        Ok(true)
    }

    /// `false` if there is none.
    pub(super) fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let mut webhooks = self.lock();
        if !webhooks.contains_key(id) {
            return Ok(false);
        }
        self.replace(&mut webhooks, |all| {
            all.remove(id);
        })?;
        Ok(true)
    }

    /// Notes that everything before `cursor` was delivered.
    pub(super) fn delivered(&self, id: &str, cursor: Cursor) -> Result<(), StoreError> {
        self.replace(&mut self.lock(), |all| {
            if let Some(webhook) = all.get_mut(id) {
                webhook.cursor = cursor;
            }
        })
    }

    /// The change is on disk before it counts.
    fn replace(
        &self,
        webhooks: &mut BTreeMap<String, Webhook>,
        change: impl FnOnce(&mut BTreeMap<String, Webhook>),
    ) -> Result<(), StoreError> {
        let mut changed = webhooks.clone();
        change(&mut changed);
        write(&self.path, &changed)
            .map_err(|error| StoreError::Io { path: self.path.clone(), error })?;
        *webhooks = changed;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Webhook>> {
        // The map is replaced as a whole: whoever panicked left the one before.
        self.webhooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Webhook>, StoreError> {
    let failed = |error| StoreError::Io { path: path.into(), error };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        metadata => metadata.map_err(failed)?,
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(StoreError::Open(path.into()));
    }
    let damaged = |problem: String| StoreError::Damaged { path: path.into(), problem };
    let text = fs::read_to_string(path).map_err(failed)?;
    let webhooks: Vec<Webhook> = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    if let Some(bad) = webhooks.iter().find(|it| !signature::is_secret(&it.secret)) {
        return Err(damaged(format!("the secret of webhook {} is no secret", bad.id)));
    }
    Ok(webhooks.into_iter().map(|webhook| (webhook.id.clone(), webhook)).collect())
}

/// Writes beside it, syncs, and takes its place: a crash leaves the old file or the new one.
fn write(path: &Path, webhooks: &BTreeMap<String, Webhook>) -> io::Result<()> {
    let all: Vec<_> = webhooks.values().collect();
    let text = serde_json::to_string_pretty(&all)?;
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

mod cursor_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::port::Cursor;

    pub(super) fn serialize<S: Serializer>(cursor: &Cursor, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(cursor)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Cursor, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
