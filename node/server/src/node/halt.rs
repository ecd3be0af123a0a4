//! Whether this node must not go on: it found itself inconsistent, or a majority of the members
//! signed another history than the one it computed.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context, bail};

const FILE: &str = "HALTED";

/// Set once, kept on disk: a restart must not make a node forget that it was wrong.
#[derive(Clone)]
pub(super) struct Halt {
    directory: PathBuf,
    reason: Arc<OnceLock<String>>,
}

impl Halt {
    /// Of the channel in `data`. Refuses a channel that halted before, and one of which it cannot
    /// tell.
    pub(super) fn open(data: &Path) -> anyhow::Result<Halt> {
        let file = data.join(FILE);
        match std::fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
            Ok(reason) => bail!(
                "this node halted: {}\nCompare its evidence with the other members before you \
                 remove {} or let it join again as a new node",
                String::from_utf8_lossy(&reason).trim(),
                file.display()
            ),
        }
        Ok(Halt { directory: data.to_owned(), reason: Arc::default() })
    }

    /// Why the node halted, if it did.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Halts execution and attestation. The node goes on answering what it knows. The first reason
    /// stays.
    pub(super) fn set(&self, reason: String) {
        tracing::error!(%reason, "halted");
        if self.reason.set(reason.clone()).is_err() {
            return;
        }
        if let Err(error) = self.note(&reason) {
            tracing::error!(%error, "the halt could not be noted on disk");
        }
    }

    /// Synced, with the directory that names it.
    fn note(&self, reason: &str) -> io::Result<()> {
        let mut file = File::create(self.directory.join(FILE))?;
        file.write_all(reason.as_bytes())?;
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(data: &Path) -> String {
        format!("{:#}", Halt::open(data).err().unwrap())
    }

    #[test]
    fn a_halt_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let halt = Halt::open(dir.path()).unwrap();
        assert_eq!(halt.reason(), None);
        halt.set("roots differ".into());
        halt.set("later".into());
        assert_eq!(halt.reason(), Some("roots differ"));
        let refused = refusal(dir.path());
        assert!(refused.contains("roots differ") && !refused.contains("later"), "{refused}");
    }

    #[test]
    fn a_note_that_says_nothing_still_halts() {
        let dir = tempfile::tempdir().unwrap();
        for garbage in [&b""[..], b"\xff\xfe"] {
            std::fs::write(dir.path().join(FILE), garbage).unwrap();
            assert!(refusal(dir.path()).contains("halted"));
        }
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(refusal(dir.path()).contains("cannot read"));
    }
}
