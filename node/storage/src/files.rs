//! Files and directories that are there completely or not at all after a power failure.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Makes created, renamed and removed names in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Writes a new file and syncs its contents; its name is durable once the directory is synced.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Replaces the file `name` in `directory` by one with `bytes`: old or new, never a mixture.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.tmp"));
    write_synced(&temporary, bytes)?;
    fs::rename(&temporary, directory.join(name))?;
    sync_directory(directory)
}

/// Gives a finished directory its final name.
pub(crate) fn publish(directory: &Path, temporary: &str, name: &str) -> io::Result<()> {
    fs::rename(directory.join(temporary), directory.join(name))?;
    sync_directory(directory)
}

/// Removes a directory with its contents, if it is there.
pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes the file `name` from `directory`, if it is there.
pub(crate) fn remove_file(directory: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(directory.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_directory(directory),
    }
}
