//! What other nodes send: Raft messages to a live replica, and streams of frames.

mod replica;

use precinto_network::Lane;

pub(crate) use replica::raft_message;

/// A stream of each lane: what is delivered was in it, and nothing stops the reader but its end.
pub(crate) fn frames(bytes: &[u8]) {
    let Some((lane, stream)) = bytes.split_first() else { return };
    let lane = Lane::ALL[usize::from(*lane) % Lane::ALL.len()];
    let delivered = precinto_network::fuzzing::deliver(lane, stream);
    let sum: usize = delivered.iter().map(|body| body.len()).sum();
    assert!(sum <= stream.len(), "{sum} bytes out of {}", stream.len());
    for body in delivered {
        assert!(body.is_empty() || stream.windows(body.len()).any(|part| *part == body));
    }
}
