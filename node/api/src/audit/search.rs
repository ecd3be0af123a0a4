//! Reading the trail back, a bounded part at a time.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    str::FromStr,
};

use super::{Entry, Kind, entry::MAX_LINE_BYTES, file_name, files};

/// Lines looked at for one answer: some hundred milliseconds of one core.
const MAX_LOOKED_AT: usize = 50_000;

/// Which lines.
pub(crate) struct Search {
    pub(crate) kind: Kind,
    pub(crate) account: Option<String>,
    /// Not before this time, milliseconds since 1970.
    pub(crate) from_ms: u64,
    /// Before this time.
    pub(crate) to_ms: u64,
    pub(crate) limit: usize,
}

/// A place in the trail: a file, by its first line, and a byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Position {
    file: u64,
    byte: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file, self.byte)
    }
}

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Position, Self::Err> {
        let parts = text.split_once('-').filter(|_| !text.contains('+'));
        let parsed = parts.and_then(|(file, byte)| {
            Some(Position { file: file.parse().ok()?, byte: byte.parse().ok()? })
        });
        parsed.ok_or("not the `next` of a page")
    }
}

/// A page.
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    /// Where to go on; absent at the end of the trail.
    pub(crate) next: Option<Position>,
}

impl Search {
    /// Searches from `position` on.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub(crate) fn run(&self, directory: &Path, position: Position) -> io::Result<Found> {
        let mut entries = Vec::new();
        let mut looked_at = 0;
        for first in files(directory)?.into_iter().filter(|file| *file >= position.file) {
            let mut at = Position { file: first, byte: 0 };
            if first == position.file {
                at.byte = position.byte;
            }
            let mut file = BufReader::new(File::open(directory.join(file_name(first)))?);
            file.seek(SeekFrom::Start(at.byte))?;
            let mut line = Vec::new();
            loop {
                line.clear();
                file.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
                // Without an end it is being written: the rest of this file is for later.
                if line.last() != Some(&b'\n') {
                    break;
                }
                if entries.len() >= self.limit || looked_at >= MAX_LOOKED_AT {
                    return Ok(Found { entries, next: Some(at) });
                }
                looked_at += 1;
                at.byte += line.len() as u64;
                // A line that somebody broke is verification's to find.
                let entry = serde_json::from_slice::<Entry>(&line).ok();
                entries.extend(entry.filter(|entry| self.matches(entry)));
            }
        }
        Ok(Found { entries, next: None })
    }

    fn matches(&self, Entry { act, .. }: &Entry) -> bool {
        act.kind == self.kind
            && (self.from_ms..self.to_ms).contains(&act.time_ms)
            && self.account.as_ref().is_none_or(|account| *account == act.account)
    }
}
