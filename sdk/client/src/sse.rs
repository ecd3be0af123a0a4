//! Server-sent events (HTML Living Standard, section 9.2.6): bytes in, messages out.

use crate::error::ClientError;

/// Largest message accepted, in bytes: an event has at most 4 KiB of payload, doubled by hex, and
/// its decoded form.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// A complete message. One without data only moves the last event id.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) data: String,
}

/// Splits a stream of bytes into messages.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Bytes after the last complete line.
    rest: Vec<u8>,
    /// The message being read.
    message: Message,
}

impl Parser {
    /// Takes the next bytes and gives the messages they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, ClientError> {
        self.rest.extend_from_slice(bytes);
        let mut messages = Vec::new();
        let mut start = 0;
        while let Some(length) = self.rest[start..].iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[start..start + length]).into_owned();
            start += length + 1;
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if !line.is_empty() {
                self.message.take(line);
            } else if self.message != Message::default() {
                messages.push(std::mem::take(&mut self.message));
            }
        }
        self.rest.drain(..start);
        if self.rest.len() + self.message.data.len() > MAX_MESSAGE_BYTES {
            return Err(ClientError::MessageTooLarge);
        }
        Ok(messages)
    }
}

impl Message {
    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => self.kind = Some(value.to_owned()),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments (an empty field) and fields we do not use.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"id: 3-1\n\n: keep-alive\n\nid: 4-0\r\nevent: closed\r\ndata: a\r\ndata: b\r\n\r\n";

    #[test]
    fn messages_are_the_same_however_the_bytes_are_cut() {
        let expected = vec![
            Message { id: Some("3-1".into()), ..Message::default() },
            Message { id: Some("4-0".into()), kind: Some("closed".into()), data: "a\nb".into() },
        ];
        for size in 1..=STREAM.len() {
            let mut parser = Parser::default();
            let mut found = Vec::new();
            for piece in STREAM.chunks(size) {
                found.extend(parser.push(piece).unwrap());
            }
            assert_eq!(found, expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let bytes = vec![b'x'; MAX_MESSAGE_BYTES + 1];
        assert!(matches!(parser.push(&bytes), Err(ClientError::MessageTooLarge)));
    }
}
