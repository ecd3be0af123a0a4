//! Room on the disk: a node stops taking writes before there is none left, and goes on by itself when
//! there is room again.
//!
//! A write that fails for want of room would end the process, as every failed write does. So a
//! *reserve* is kept free: below it the node takes no transactions and no entries, while what was
//! under way is still written. Others may fill the disk faster than it is looked at; against them a
//! *ballast* file of a quarter of the reserve is held, which is given up when a write is due and not
//! even that much is free.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Name of the ballast in the data directory.
const BALLAST: &str = "ballast";

/// Parts of the reserve that the ballast is one of.
const BALLAST_PART: u64 = 4;

/// Written at once where the file system cannot allocate without writing.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The disk of a data directory.
pub(super) struct Disk {
    directory: PathBuf,
    /// Bytes.
    reserve: u64,
    full: AtomicBool,
    ballast: AtomicBool,
}

/// What a look at the disk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes free to this process.
    pub free: u64,
    /// Whether the node must not write more than it already promised to.
    pub full: bool,
}

impl Disk {
    /// The disk of `directory`, of which `reserve` bytes are to stay free. On a full disk the
    /// ballast is given up, so that storage can be opened at all.
    ///
    /// # Errors
    /// If the directory cannot be looked at, or the ballast cannot be made.
    pub(super) fn open(directory: &Path, reserve: u64) -> io::Result<Disk> {
        let ballast = directory.join(BALLAST);
        let held = ballast.metadata().is_ok_and(|file| file.len() == reserve / BALLAST_PART);
        if !held {
            remove(&ballast)?;
        }
        let disk = Disk {
            directory: directory.to_owned(),
            reserve,
            full: AtomicBool::new(false),
            ballast: AtomicBool::new(held),
        };
        disk.before_write()?;
        if !disk.look()?.full && !held {
            disk.hold_ballast()?;
        }
        Ok(disk)
    }

    fn ballast_bytes(&self) -> u64 {
        self.reserve / BALLAST_PART
    }

    fn free(&self) -> io::Result<u64> {
        let found = statvfs(&self.directory)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Looks how much room there is. For one caller at a time.
    ///
    /// # Errors
    /// If the file system does not say.
    pub(super) fn look(&self) -> io::Result<Room> {
        let free = self.free()?;
        let held = self.ballast.load(Ordering::SeqCst);
        let was_full = self.full.load(Ordering::SeqCst);
        // Twice the ballast more than enough: once to make it again, once so that a full disk and
        // one with room do not alternate.
        let again = self.reserve + self.ballast_bytes() * if held { 1 } else { 2 };
        let mut full = if was_full { free < again } else { free < self.reserve };
        if was_full && !full && !held {
            // Somebody else may have taken the room in between.
            full = self.hold_ballast().is_err();
        }
        self.full.store(full, Ordering::SeqCst);
        Ok(Room { free, full })
    }

    /// Whether `bytes` more leave the reserve untouched. Where the file system does not say: no.
    pub(super) fn has_room_for(&self, bytes: u64) -> bool {
        self.free().is_ok_and(|free| free >= self.reserve.saturating_add(bytes))
    }

    /// Makes sure that what must be written now finds room, if it takes the ballast.
    ///
    /// # Errors
    /// If the file system does not say how much is free, or the ballast cannot be removed.
    pub(super) fn before_write(&self) -> io::Result<()> {
        if self.free()? >= self.ballast_bytes() {
            return Ok(());
        }
        self.full.store(true, Ordering::SeqCst);
        if self.ballast.swap(false, Ordering::SeqCst) {
            remove(&self.directory.join(BALLAST))?;
            tracing::error!("no room on the disk: the ballast was given up");
        }
        Ok(())
    }

    fn hold_ballast(&self) -> io::Result<()> {
        let path = self.directory.join(BALLAST);
        let made = allocate(&path, self.ballast_bytes());
        if let Err(error) = made {
            remove(&path)?;
            return Err(error);
        }
        self.ballast.store(true, Ordering::SeqCst);
        Ok(())
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A file whose blocks are taken, not only promised.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        done => return Ok(done?),
    }
    let mut left = bytes as usize;
    while left > 0 {
        let part = left.min(ZEROS.len());
        file.write_all(&ZEROS[..part])?;
        left -= part;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve that no disk has free.
    const NEVER_FREE: u64 = 1 << 60;

    #[test]
    fn ballast_takes_real_room_and_is_given_up_when_a_write_finds_none() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = 1024 * 1024;
        let disk = Disk::open(dir.path(), reserve).unwrap();
        let ballast = dir.path().join(BALLAST);
        let metadata = ballast.metadata().unwrap();
        assert_eq!(metadata.len(), reserve / 4);
        assert!(std::os::unix::fs::MetadataExt::blocks(&metadata) * 512 >= reserve / 4);
        assert!(!disk.look().unwrap().full);
        disk.before_write().unwrap();
        assert!(ballast.exists(), "there is room without it");

        let cramped = Disk { reserve: NEVER_FREE, ..disk };
        cramped.before_write().unwrap();
        assert!(!ballast.exists());
        assert!(cramped.look().unwrap().full);

        let roomy = Disk { reserve, ..cramped };
        assert!(!roomy.look().unwrap().full, "there is room again");
        assert!(ballast.exists(), "and with it the ballast");
    }

    #[test]
    fn a_disk_without_the_reserve_is_full_from_the_start_and_a_stray_ballast_goes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(BALLAST), b"cut short").unwrap();
        let disk = Disk::open(dir.path(), NEVER_FREE).unwrap();
        assert!(disk.look().unwrap().full);
        assert!(!dir.path().join(BALLAST).exists());
    }
}
