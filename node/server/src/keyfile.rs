//! Secret files: 32 random bytes as hex, readable by their owner alone.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use precinto_protocol::keys::SigningKey;
use zeroize::Zeroizing;

/// Fills an array from the system's random source.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot run a node");
    bytes
}

/// Writes a new secret file (mode 0600); refuses to overwrite one.
pub fn create(path: &Path, secret: &[u8; 32]) -> anyhow::Result<()> {
    write_new(path, &Zeroizing::new(hex::encode(secret)))
}

/// Writes a secret text to a new file (mode 0600); refuses to overwrite one.
pub fn write_new(path: &Path, secret: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create the key file {}", path.display()))?;
    let text = Zeroizing::new(format!("{secret}\n"));
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Reads a secret file; refuses one that others may read.
pub fn read(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let name = path.display();
    let metadata =
        fs::metadata(path).with_context(|| format!("cannot read the key file {name}"))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!("the key file {name} may be read by others: run `chmod 600 {name}`");
    }
    let text = Zeroizing::new(fs::read_to_string(path)?);
    let mut secret = Zeroizing::new([0; 32]);
    if hex::decode_to_slice(text.trim(), secret.as_mut_slice()).is_err() {
        bail!("the key file {name} must hold 64 hexadecimal characters");
    }
    Ok(secret)
}

/// Reads a signing key.
pub fn read_signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::from_seed(&*read(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_round_trips_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        create(&path, &[7; 32]).unwrap();
        assert_eq!(*read(&path).unwrap(), [7; 32]);
        assert!(create(&path, &[8; 32]).is_err());
        assert_eq!(*read(&path).unwrap(), [7; 32]);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        create(&path, &[7; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
