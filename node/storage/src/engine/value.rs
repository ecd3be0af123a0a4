//! The envelope of every value: format version, checksum, body.
//!
//! RocksDB's own block checksums find what a disk changed. They cannot find a value that sits
//! under another's key, or was damaged in memory before RocksDB saw it or after it was checked:
//! for evidence that may be called up years later, that is worth eight bytes and some 0.2 us.

use precinto_protocol::hash::sha256;

use super::Table;
use crate::error::StorageError;

/// Version of the stored layout of all tables.
const FORMAT_VERSION: u8 = 1;

/// Bytes of SHA-256 kept: against accident, not against an adversary who owns the disk.
const CHECKSUM_BYTES: usize = 8;

const ENVELOPE_BYTES: usize = 1 + CHECKSUM_BYTES;

fn checksum(table: Table, key: &[u8], body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let key_length = (key.len() as u32).to_be_bytes();
    let hash = sha256(&[&[table as u8], &key_length, key, body]);
    *hash.0.first_chunk().expect("a hash is longer than a checksum")
}

pub(crate) fn seal(table: Table, key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(ENVELOPE_BYTES + body.len());
    value.push(FORMAT_VERSION);
    value.extend_from_slice(&checksum(table, key, body));
    value.extend_from_slice(body);
    value
}

pub(crate) fn unseal(
    table: Table,
    key: &[u8],
    mut value: Vec<u8>,
) -> Result<Vec<u8>, StorageError> {
    match value.first() {
        Some(&FORMAT_VERSION) => {}
        Some(&found) => {
            return Err(StorageError::FormatVersion { table: table.name(), found });
        }
        None => return Err(StorageError::corrupt(table.name(), key, "empty value")),
    }
    let Some((sum, body)) = value[1..].split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err(StorageError::corrupt(table.name(), key, "value shorter than its envelope"));
    };
    if *sum != checksum(table, key, body) {
        return Err(StorageError::corrupt(table.name(), key, "checksum mismatch"));
    }
    value.drain(..ENVELOPE_BYTES);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_and_as_it_was_sealed() {
        let sealed = seal(Table::State, b"key", b"body");
        assert_eq!(unseal(Table::State, b"key", sealed.clone()).unwrap(), b"body");
        let corrupt = |table, key: &[u8], value: Vec<u8>| {
            matches!(unseal(table, key, value), Err(StorageError::Corrupt { .. }))
        };
        assert!(corrupt(Table::State, b"yek", sealed.clone()));
        assert!(corrupt(Table::Blocks, b"key", sealed.clone()));
        for bit in 8..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(corrupt(Table::State, b"key", damaged), "bit {bit}");
        }
        for length in 0..ENVELOPE_BYTES {
            let error = unseal(Table::State, b"key", sealed[..length].to_vec());
            assert!(matches!(error, Err(StorageError::Corrupt { .. })), "length {length}");
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut sealed = seal(Table::State, b"key", b"body");
        sealed[0] = 2;
        let error = unseal(Table::State, b"key", sealed);
        assert!(matches!(error, Err(StorageError::FormatVersion { found: 2, .. })));
    }
}
