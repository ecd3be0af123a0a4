//! Frames waiting to be sent on one lane of one peer.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{
    lane::{FRAME_COST, Limits},
    wire::Envelope,
};

/// Why a frame was not taken for sending. None was sent, not even in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The node is no peer, or is not connected now.
    #[error("the node is not connected")]
    NotConnected,
    /// The peer does not keep up; the newest frame is the one dropped.
    #[error("the queue to the node is full")]
    QueueFull,
    /// The body exceeds what the lane carries.
    #[error("the body exceeds the limit of its lane")]
    TooLarge,
}

/// A frame to send: on request lanes, with its envelope.
pub(crate) struct Outgoing {
    pub(crate) envelope: Option<Envelope>,
    pub(crate) body: Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Takes nothing: the peer is not connected.
    Closed,
    Open,
    /// Takes nothing more, gives what it has: shutting down.
    Finishing,
}

struct State {
    phase: Phase,
    frames: VecDeque<Outgoing>,
    bytes: usize,
}

/// A queue bounded in frames and bytes; when full, the newest frame is refused.
pub(crate) struct SendQueue {
    limits: Limits,
    state: Mutex<State>,
    changed: Notify,
}

impl SendQueue {
    pub(crate) fn new(limits: Limits) -> SendQueue {
        let state = State { phase: Phase::Closed, frames: VecDeque::new(), bytes: 0 };
        SendQueue { limits, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Appends a frame.
    pub(crate) fn push(&self, frame: Outgoing) -> Result<(), SendError> {
        if frame.body.len() > self.limits.body {
            return Err(SendError::TooLarge);
        }
        let cost = frame.body.len() + FRAME_COST;
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Err(SendError::NotConnected);
        }
        if state.frames.len() >= self.limits.queue_frames
            || state.bytes + cost > self.limits.queue_bytes
        {
            return Err(SendError::QueueFull);
        }
        state.bytes += cost;
        state.frames.push_back(frame);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The oldest frame, as soon as there is one; `None` when finished and empty. Dropping the
    /// future loses nothing. For one consumer.
    pub(crate) async fn pop(&self) -> Option<Outgoing> {
        loop {
            if let Some(frame) = self.try_pop() {
                return Some(frame);
            }
            if self.lock().phase == Phase::Finishing {
                return None;
            }
            self.changed.notified().await;
        }
    }

    /// The oldest frame, if there is one.
    pub(crate) fn try_pop(&self) -> Option<Outgoing> {
        let mut state = self.lock();
        let frame = state.frames.pop_front()?;
        state.bytes -= frame.body.len() + FRAME_COST;
        Some(frame)
    }

    /// How many frames wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().frames.len()
    }

    /// From now on frames are taken.
    pub(crate) fn open(&self) {
        self.lock().phase = Phase::Open;
    }

    /// From now on frames are refused; those waiting are dropped. Returns how many.
    pub(crate) fn close(&self) -> usize {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        state.bytes = 0;
        std::mem::take(&mut state.frames).len()
    }

    /// Drops the frames that wait: the stream they were meant for broke. Returns how many.
    pub(crate) fn clear(&self) -> usize {
        let mut state = self.lock();
        state.bytes = 0;
        std::mem::take(&mut state.frames).len()
    }

    /// From now on frames are refused; those waiting are still given out.
    pub(crate) fn finish(&self) {
        self.lock().phase = Phase::Finishing;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the queue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn queue() -> SendQueue {
        let limits =
            Limits { body: 100, queue_frames: 3, queue_bytes: 3 * FRAME_COST, inbound_bytes: 0 };
        SendQueue::new(limits)
    }

    fn frame(body: &'static [u8]) -> Outgoing {
        Outgoing { envelope: None, body: Bytes::from_static(body) }
    }

    fn pop(queue: &SendQueue) -> Option<Bytes> {
        queue.try_pop().map(|frame| frame.body)
    }

    #[test]
    fn frames_leave_in_order_and_the_newest_is_refused_when_full() {
        let queue = queue();
        assert_eq!(queue.push(frame(b"a")), Err(SendError::NotConnected));
        queue.open();
        assert_eq!(queue.push(frame(&[0; 101])), Err(SendError::TooLarge));
        assert_eq!(queue.push(frame(b"")), Ok(()));
        assert_eq!(queue.push(frame(b"")), Ok(()));
        assert_eq!(queue.push(frame(b"b")), Err(SendError::QueueFull), "bytes");
        assert_eq!(queue.push(frame(b"")), Ok(()));
        assert_eq!(queue.push(frame(b"")), Err(SendError::QueueFull), "frames");
        assert_eq!(pop(&queue), Some(Bytes::new()));
        assert_eq!(pop(&queue), Some(Bytes::new()));
        assert_eq!(queue.push(frame(b"c")), Ok(()), "room is given back");
        assert_eq!(pop(&queue), Some(Bytes::new()));
        assert_eq!(pop(&queue), Some(Bytes::from_static(b"c")));
        assert_eq!(pop(&queue), None);
    }

    #[test]
    fn clearing_gives_back_all_room() {
        let queue = queue();
        queue.open();
        for round in 0..3 {
            for _ in 0..3 {
                assert_eq!(queue.push(frame(b"")), Ok(()), "round {round}");
            }
            assert_eq!(queue.clear(), 3);
        }
        assert_eq!(queue.close(), 0);
        assert_eq!(queue.push(frame(b"")), Err(SendError::NotConnected));
    }

    #[test]
    fn a_finished_queue_gives_what_it_has_and_then_ends() {
        let queue = queue();
        queue.open();
        assert!(queue.pop().now_or_never().is_none(), "waits for a frame");
        assert_eq!(queue.push(frame(b"")), Ok(()));
        queue.finish();
        assert_eq!(queue.push(frame(b"")), Err(SendError::NotConnected));
        assert!(matches!(queue.pop().now_or_never(), Some(Some(_))));
        assert!(matches!(queue.pop().now_or_never(), Some(None)));
    }
}
