//! Whether this node must not go on: it found itself inconsistent, or a majority of the members
//! signed another history than the one it computed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::bail;

const FILE: &str = "HALTED";

/// Set once, kept on disk: a restart must not make a node forget that it was wrong.
#[derive(Clone)]
pub(super) struct Halt {
    file: PathBuf,
    reason: Arc<OnceLock<String>>,
}

impl Halt {
    /// Of the channel in `data`. Refuses a channel that halted before.
    pub(super) fn open(data: &Path) -> anyhow::Result<Halt> {
        let file = data.join(FILE);
        if let Ok(reason) = std::fs::read_to_string(&file) {
            bail!(
                "this node halted: {}\nCompare its evidence with the other members before you \
                 remove {} or let it join again as a new node",
                reason.trim(),
                file.display()
            );
        }
        Ok(Halt { file, reason: Arc::default() })
    }

    /// Why the node halted, if it did.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Halts execution and attestation. The node goes on answering what it knows.
    pub(super) fn set(&self, reason: String) {
        tracing::error!(%reason, "halted");
        if let Err(error) = std::fs::write(&self.file, &reason) {
            tracing::error!(%error, "the halt could not be noted on disk");
        }
        // The first reason stays.
        let _ = self.reason.set(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let halt = Halt::open(dir.path()).unwrap();
        assert_eq!(halt.reason(), None);
        halt.set("roots differ".into());
        halt.set("later".into());
        assert_eq!(halt.reason(), Some("roots differ"));
        let refused = Halt::open(dir.path()).err().unwrap().to_string();
        assert!(refused.contains("later") || refused.contains("roots differ"), "{refused}");
    }
}
