//! The thread that appends.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Act, Head, Shared, TrailError, entry::MAX_LINE_BYTES, file_name, files};

/// A file that has grown to this is followed by a new one: small enough to look at and to copy.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Acts written at once.
const MAX_BATCH: usize = 512;

/// Written lines are synced at least this often: what a power failure can cost.
const SYNC_EVERY: Duration = Duration::from_millis(500);

/// How long written lines let others gather: whoever reads records then wakes nobody, which costs
/// more than the line.
const GATHER: Duration = Duration::from_millis(2);

/// Pause before a failed write is tried again: a full disk needs a person.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Appends acts to the trail's files.
pub struct TrailWriter {
    inbox: Receiver<Act>,
    shared: Arc<Shared>,
    head: Head,
    file: File,
    bytes: u64,
    /// Since when lines are written and not synced.
    unsynced: Option<Instant>,
}

impl TrailWriter {
    pub(super) fn open(inbox: Receiver<Act>, shared: Arc<Shared>) -> Result<Self, TrailError> {
        let directory = shared.directory.clone();
        let unusable = |error| TrailError::Io { directory: directory.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unusable)?;
        let newest = files(&directory).map_err(unusable)?.pop().unwrap_or(1);
        let path = directory.join(file_name(newest));
        let mut file = open_file(&path).map_err(unusable)?;
        let (bytes, last) = last_line(&mut file).map_err(unusable)?;
        let head = match last {
            Some(line) => {
                Head::after(&line).map_err(|reason| TrailError::Broken { file: path, reason })?
            }
            None if newest == 1 => Head::EMPTY,
            // Made at a rotation, and nothing written since: the chain goes on from the file before.
            None => before(&directory, newest)?,
        };
        file.set_len(bytes).and_then(|()| sync_directory(&directory)).map_err(unusable)?;
        *shared.head() = head;
        Ok(TrailWriter { inbox, shared, head, file, bytes, unsynced: None })
    }

    /// Writes until every [`super::Trail`] is gone.
    pub fn run(mut self) {
        loop {
            let wait = match self.unsynced {
                Some(since) => SYNC_EVERY.saturating_sub(since.elapsed()),
                None => Duration::MAX,
            };
            match self.inbox.recv_timeout(wait) {
                Ok(act) => {
                    self.write(act);
                    thread::sleep(GATHER);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_EVERY) {
                self.sync();
            }
        }
        self.sync();
    }

    fn write(&mut self, first: Act) {
        let mut head = self.head;
        let mut lines = head.append(&first);
        for act in self.inbox.try_iter().take(MAX_BATCH - 1) {
            lines.extend(head.append(&act));
        }
        while let Err(error) = self.append(&lines) {
            // Reads are refused until it works again; these were promised and are kept.
            if !self.shared.failing.swap(true, Ordering::Relaxed) {
                tracing::error!(%error, "the audit trail cannot be written: reads are refused");
            }
            if Arc::strong_count(&self.shared) == 1 {
                tracing::error!(bytes = lines.len(), "the node stops: these lines are lost");
                return;
            }
            thread::sleep(RETRY_AFTER);
        }
        if self.shared.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the audit trail is written again");
        }
        self.head = head;
        *self.shared.head() = head;
        self.unsynced.get_or_insert_with(Instant::now);
    }

    /// All of `lines`, or nothing.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes >= MAX_FILE_BYTES {
            self.file.sync_data()?;
            let path = self.shared.directory.join(file_name(self.head.seq + 1));
            self.file = open_file(&path)?;
            sync_directory(&self.shared.directory)?;
            self.bytes = self.file.metadata()?.len();
        }
        let written = self.file.write_all(lines);
        if written.is_err() {
            self.file.set_len(self.bytes)?;
        }
        written?;
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// After a failed sync nobody knows what is on disk: as everywhere in a node, the process ends.
    fn sync(&mut self) {
        self.file.sync_data().expect("the audit trail can be synced");
        self.unsynced = None;
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Bytes up to the end of the last whole line, and that line. A line without an end was being
/// written when the power failed.
fn last_line(file: &mut File) -> io::Result<(u64, Option<Vec<u8>>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(2 * MAX_LINE_BYTES as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        return Ok((start, (start > 0).then_some(tail)));
    };
    let begin = tail[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok((start + end as u64 + 1, Some(tail[begin..end].to_vec())))
}

/// The head at the end of the file before the one that begins with line `first`.
fn before(directory: &Path, first: u64) -> Result<Head, TrailError> {
    let unusable = |error| TrailError::Io { directory: directory.into(), error };
    let earlier = files(directory).map_err(unusable)?.into_iter().rfind(|file| *file < first);
    let path = directory.join(file_name(earlier.unwrap_or(1)));
    let broken = |reason| TrailError::Broken { file: path.clone(), reason };
    let mut file = File::open(&path).map_err(unusable)?;
    let (_, line) = last_line(&mut file).map_err(unusable)?;
    Head::after(&line.ok_or_else(|| broken("it is empty"))?).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{QUEUE, Trail, Unavailable, entry::tests::act, verify};

    fn write(directory: &Path, accounts: &[&str]) {
        let (trail, writer) = Trail::open(directory).unwrap();
        for account in accounts {
            trail.record(act(account, 1)).unwrap();
        }
        drop(trail);
        writer.run();
    }

    fn verified(directory: &Path) -> Head {
        let mut head = None;
        for first in files(directory).unwrap() {
            let file = File::open(directory.join(file_name(first))).unwrap();
            verify(io::BufReader::new(file), &mut head).unwrap();
        }
        head.unwrap()
    }

    #[test]
    fn the_chain_goes_on_after_a_restart_and_after_a_torn_line() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("audit");
        write(&place, &["ana", "beto"]);
        let file = place.join(file_name(1));
        let mut torn = OpenOptions::new().append(true).open(&file).unwrap();
        torn.write_all(b"{\"seq\":3,\"time").unwrap();
        write(&place, &["eva"]);
        assert_eq!(verified(&place).seq, 3);
        assert!(std::fs::read_to_string(&file).unwrap().contains("eva"));
    }

    #[test]
    fn a_full_file_is_followed_by_another_and_the_chain_spans_them() {
        let directory = tempfile::tempdir().unwrap();
        let (trail, mut writer) = Trail::open(directory.path()).unwrap();
        writer.write(act("ana", 1));
        writer.bytes = MAX_FILE_BYTES;
        writer.write(act("beto", 2));
        assert_eq!(files(directory.path()).unwrap(), [1, 2]);
        assert_eq!(trail.head(), verified(directory.path()));
        // Stopped right after a rotation: the new file is there and empty.
        writer.bytes = MAX_FILE_BYTES;
        writer.append(b"").unwrap();
        drop((trail, writer));
        write(directory.path(), &["eva"]);
        assert_eq!(verified(directory.path()).seq, 3);
    }

    #[test]
    fn a_changed_last_line_stops_the_node_from_going_on() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &["ana", "beto"]);
        let file = directory.path().join(file_name(1));
        let text = std::fs::read_to_string(&file).unwrap().replace("beto", "bert");
        std::fs::write(&file, text).unwrap();
        assert!(matches!(Trail::open(directory.path()), Err(TrailError::Broken { .. })));
    }

    #[test]
    fn acts_beyond_the_queue_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (trail, writer) = Trail::open(directory.path()).unwrap();
        for _ in 0..QUEUE {
            trail.record(act("ana", 1)).unwrap();
        }
        assert_eq!(trail.record(act("ana", 1)), Err(Unavailable));
        drop(trail);
        writer.run();
        assert_eq!(verified(directory.path()).seq, QUEUE as u64, "what was taken is written");
    }

    /// A disk without room: what was promised is kept, everything else is refused until there is.
    #[test]
    fn a_trail_that_cannot_be_written_refuses_and_recovers() {
        let directory = tempfile::tempdir().unwrap();
        let (trail, mut writer) = Trail::open(directory.path()).unwrap();
        let good = std::mem::replace(&mut writer.file, File::open("/dev/null").unwrap());
        let head = writer.head.append(&act("lost", 1));
        assert!(writer.append(&head).is_err(), "a file opened for reading takes no line");
        writer.shared.failing.store(true, Ordering::Relaxed);
        assert_eq!(trail.record(act("ana", 1)), Err(Unavailable));
        (writer.file, writer.head) = (good, Head::EMPTY);
        writer.write(act("kept", 1));
        trail.record(act("ana", 1)).unwrap();
        assert_eq!(verified(directory.path()).seq, 1);
    }
}
