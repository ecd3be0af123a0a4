//! The bytes of a list: which encoding, which format.

use std::path::Path;

use anyhow::{Context, bail};

/// A list is read as a whole, so that nothing is imported of one that is not good; this many bytes
/// are half a million rows.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The mark with which some programs begin a UTF-8 file.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// RFC 4180, with this between the fields.
    Delimited(u8),
    /// One JSON object per line.
    JsonLines,
}

/// Reads a file as text.
///
/// # Errors
/// If it cannot be read, is too large, or is no UTF-8.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {name}"))?.len();
    if size > MAX_FILE_BYTES {
        bail!("{name} has {size} bytes, more than {MAX_FILE_BYTES}: import it in parts");
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    decode(bytes).with_context(|| format!("cannot read {name}"))
}

fn decode(bytes: Vec<u8>) -> anyhow::Result<String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("it is UTF-16: save it as UTF-8, or run `iconv -f utf-16 -t utf-8`");
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = 1 + bytes[..good].iter().filter(|byte| **byte == b'\n').count();
        anyhow::anyhow!(
            "line {line} is no UTF-8 (byte 0x{:02X}), but perhaps Latin-1: save it as UTF-8, or run \
             `iconv -f latin1 -t utf-8`",
            bytes[good]
        )
    })?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(text)
}

impl Format {
    /// How a text is written, by its first line.
    ///
    /// # Errors
    /// If it is neither.
    pub fn of(text: &str) -> anyhow::Result<Format> {
        let start = text.trim_start();
        if start.starts_with('[') {
            bail!("it is a JSON array: write one object per line (`jq -c '.[]'` does)");
        }
        if start.starts_with('{') {
            return Ok(Format::JsonLines);
        }
        let first = start.lines().next().unwrap_or_default();
        let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
        let delimiter = [b';', b'\t', b','].into_iter().max_by_key(|it| count(*it));
        Ok(Format::Delimited(delimiter.unwrap_or(b',')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_order_mark_goes_and_other_encodings_are_refused_with_a_way_out() {
        assert_eq!(decode(b"\xef\xbb\xbfscheme".to_vec()).unwrap(), "scheme");
        let latin = decode(b"a\nb\nn\xfamero".to_vec()).unwrap_err().to_string();
        assert!(latin.contains("line 3") && latin.contains("0xFA"), "{latin}");
        assert!(latin.contains("iconv -f latin1"), "{latin}");
        assert!(decode(b"\xff\xfes\0".to_vec()).unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn the_format_shows_in_the_first_line() {
        assert_eq!(Format::of("a,b;c,d\n;;;;").unwrap(), Format::Delimited(b','));
        assert_eq!(Format::of("a;b;c\n").unwrap(), Format::Delimited(b';'));
        assert_eq!(Format::of("a\tb").unwrap(), Format::Delimited(b'\t'));
        assert_eq!(Format::of("\n {\"scheme\":1}").unwrap(), Format::JsonLines);
        assert!(Format::of("[{}]").unwrap_err().to_string().contains("jq"));
    }
}
