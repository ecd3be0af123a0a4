//! Frames on a stream: a length (u32, big-endian) and that many bytes. On request lanes a frame
//! starts with an [`Envelope`].

use std::io;

use bytes::{Bytes, BytesMut};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, io::BufReader};

use crate::queue::Outgoing;

/// Buffer of a reader: several small frames per read from the connection.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// What a frame on a request lane is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A question.
    Request,
    /// Its answer.
    Response,
    /// Its refusal; the body is empty.
    Refused,
}

/// Starts every frame on a request lane: kind (one byte), correlation id (u64, big-endian).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Envelope {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
}

impl Envelope {
    /// Its length, in bytes.
    pub(crate) const BYTES: usize = 9;

    fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = match self.kind {
            Kind::Request => 0,
            Kind::Response => 1,
            Kind::Refused => 2,
        };
        bytes[1..].copy_from_slice(&self.id.to_be_bytes());
        bytes
    }

    /// Splits a frame into envelope and body; `None` if it is malformed.
    pub(crate) fn split(mut frame: Bytes) -> Option<(Envelope, Bytes)> {
        let (head, _) = frame.split_first_chunk::<{ Self::BYTES }>()?;
        let kind = match head[0] {
            0 => Kind::Request,
            1 => Kind::Response,
            2 if frame.len() == Self::BYTES => Kind::Refused,
            _ => return None,
        };
        let (_, id) = head.split_last_chunk::<8>()?;
        let id = u64::from_be_bytes(*id);
        Some((Envelope { kind, id }, frame.split_off(Self::BYTES)))
    }
}

/// Why reading a frame ended.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The stream was closed or broke.
    Closed,
    /// A frame announced this many bytes, more than allowed.
    Oversized(u32),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> ReadError {
        ReadError::Closed
    }
}

/// Reads frames from a stream.
pub(crate) struct FrameReader<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(stream: R) -> FrameReader<R> {
        FrameReader(BufReader::with_capacity(READ_BUFFER_BYTES, stream))
    }

    /// The length of the next frame, at most `max`.
    pub(crate) async fn length(&mut self, max: usize) -> Result<usize, ReadError> {
        let mut bytes = [0; 4];
        self.0.read_exact(&mut bytes).await?;
        match u32::from_be_bytes(bytes) {
            length if length as usize > max => Err(ReadError::Oversized(length)),
            length => Ok(length as usize),
        }
    }

    /// The frame's `length` bytes.
    pub(crate) async fn body(&mut self, length: usize) -> Result<Bytes, ReadError> {
        let mut body = BytesMut::zeroed(length);
        self.0.read_exact(&mut body).await?;
        Ok(body.freeze())
    }
}

/// Writes one frame; the caller flushes.
pub(crate) async fn write_frame<W: AsyncWrite + Unpin>(
    stream: &mut W,
    frame: &Outgoing,
) -> io::Result<()> {
    let head = frame.envelope.map(Envelope::encode);
    let head = head.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    let length = u32::try_from(head.len() + frame.body.len())
        .expect("queues take no body beyond its lane's limit, far below 4 GiB");
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(head).await?;
    stream.write_all(&frame.body).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, io::Cursor};

    fn written(frames: &[Outgoing]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            let done = write_frame(&mut bytes, frame).now_or_never();
            done.expect("a vector is always ready").expect("a vector takes everything");
        }
        bytes
    }

    #[tokio::test]
    async fn frames_round_trip_and_a_cut_one_is_not_delivered() {
        let envelope = Envelope { kind: Kind::Response, id: 0x0102_0304_0506_0708 };
        let mut bytes = written(&[
            Outgoing { envelope: None, body: Bytes::from_static(b"abc") },
            Outgoing { envelope: None, body: Bytes::new() },
            Outgoing { envelope: Some(envelope), body: Bytes::from_static(b"d") },
        ]);
        bytes.extend([0, 0]);
        let mut reader = FrameReader::new(Cursor::new(bytes));
        let length = reader.length(3).await.expect("a frame");
        assert_eq!(reader.body(length).await.expect("its body"), "abc");
        assert_eq!(reader.length(3).await.expect("an empty frame"), 0);
        let length = reader.length(10).await.expect("a frame");
        let body = reader.body(length).await.expect("its body");
        assert_eq!(Envelope::split(body), Some((envelope, Bytes::from_static(b"d"))));
        assert!(matches!(reader.length(1).await, Err(ReadError::Closed)));
    }

    #[tokio::test]
    async fn a_frame_above_the_limit_is_refused_before_it_is_read() {
        let mut reader = FrameReader::new(Cursor::new(vec![0, 1, 0, 1]));
        assert!(matches!(reader.length(1 << 16).await, Err(ReadError::Oversized(0x0001_0001))));
    }

    #[test]
    fn malformed_envelopes_are_refused() {
        assert_eq!(Envelope::split(Bytes::from_static(&[0; 8])), None, "too short");
        assert_eq!(Envelope::split(Bytes::from_static(&[3; 9])), None, "unknown kind");
        assert_eq!(Envelope::split(Bytes::from_static(&[2; 10])), None, "a refusal with a body");
    }
}
