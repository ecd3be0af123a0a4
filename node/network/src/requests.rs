//! Questions and answers on the request lanes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use precinto_protocol::identity::NodeId;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    backoff,
    inbox::InboxSenders,
    lane::{FRAME_COST, Lane},
    peer::{LaneState, PeerState},
    queue::{Outgoing, SendError},
    wire::{Envelope, Kind},
};

/// Requests of ours that may wait for their answer, per peer and lane: more than a peer works on
/// at once, so that a longer line only adds waiting.
const MAX_PENDING: usize = 256;

/// Why a request has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// No answer before the deadline. Whether the peer acted on it is unknown.
    #[error("no answer in time: the outcome is unknown")]
    Timeout,
    /// The stream broke while the answer was awaited. Whether the peer acted on it is unknown.
    #[error("the connection broke: the outcome is unknown")]
    ConnectionLost,
    /// The node is no peer, or is not connected now. Nothing was sent.
    #[error("the node is not connected")]
    NotConnected,
    /// Too many requests or bytes are under way to the peer. Nothing was sent.
    #[error("too many requests to the node are under way")]
    QueueFull,
    /// The body exceeds what the lane carries. Nothing was sent.
    #[error("the body exceeds the limit of its lane")]
    TooLarge,
    /// The peer did not take it up: it is busy, or has nobody to answer it.
    #[error("the node refused the request")]
    Refused,
}

impl RequestError {
    /// Whether the peer may have acted on the request all the same.
    pub fn outcome_unknown(self) -> bool {
        matches!(self, RequestError::Timeout | RequestError::ConnectionLost)
    }
}

impl From<SendError> for RequestError {
    fn from(error: SendError) -> RequestError {
        match error {
            SendError::NotConnected => RequestError::NotConnected,
            SendError::QueueFull => RequestError::QueueFull,
            SendError::TooLarge => RequestError::TooLarge,
        }
    }
}

type Answer = Result<Bytes, RequestError>;

/// Requests that wait for their answer, by correlation id.
pub(crate) struct Pending(Mutex<Table>);

struct Table {
    /// Starts anywhere, so that an answer to a request of our previous run fits none of this one.
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
}

impl Default for Pending {
    fn default() -> Pending {
        Pending(Mutex::new(Table { next: backoff::random(), waiting: BTreeMap::new() }))
    }
}

/// A place in [`Pending`], given up when dropped.
pub(crate) struct Ticket<'a> {
    pending: &'a Pending,
    pub(crate) id: u64,
    pub(crate) answer: oneshot::Receiver<Answer>,
}

impl Pending {
    pub(crate) fn register(&self) -> Result<Ticket<'_>, RequestError> {
        let mut table = self.lock();
        if table.waiting.len() >= MAX_PENDING {
            return Err(RequestError::QueueFull);
        }
        let id = table.next;
        table.next = id.wrapping_add(1);
        let (sender, answer) = oneshot::channel();
        table.waiting.insert(id, sender);
        Ok(Ticket { pending: self, id, answer })
    }

    /// Hands an answer to who waits for it; whether somebody did.
    fn answer(&self, id: u64, answer: Answer) -> bool {
        let waiting = self.lock().waiting.remove(&id);
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }

    /// Ends the waiting of all: their requests or answers may be lost.
    pub(crate) fn connection_lost(&self) {
        for (_, waiting) in std::mem::take(&mut self.lock().waiting) {
            // Who no longer waits needs no answer.
            let _ = waiting.send(Err(RequestError::ConnectionLost));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().expect("no code panics while it holds the table")
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.pending.lock().waiting.remove(&self.id);
    }
}

/// A question of another node.
#[derive(Debug)]
pub struct Request {
    /// Who asks: the node of the authenticated connection.
    pub from: NodeId,
    /// The question.
    pub body: Bytes,
    /// Where the answer goes. Dropped without one, it refuses.
    pub respond: Responder,
}

/// Answers one request. Holds the asker's budget for it until then.
pub struct Responder {
    peer: Arc<PeerState>,
    lane: Lane,
    id: u64,
    answered: bool,
    _budget: OwnedSemaphorePermit,
}

impl Responder {
    /// Sends the answer.
    ///
    /// # Errors
    /// As for any frame. The asker is told of a refusal, or its deadline passes.
    pub fn respond(mut self, body: impl Into<Bytes>) -> Result<(), SendError> {
        self.answered = true;
        let sent = self.send(Kind::Response, body.into());
        // What does not fit now may fit as an empty frame.
        self.answered = sent.is_ok();
        sent
    }

    fn send(&self, kind: Kind, body: Bytes) -> Result<(), SendError> {
        let envelope = Some(Envelope { kind, id: self.id });
        self.peer.send(self.lane, Outgoing { envelope, body })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            // A refusal that cannot be sent leaves the asker to its deadline.
            let _ = self.send(Kind::Refused, Bytes::new());
        }
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({} {:016x} to node {})", self.lane.name(), self.id, self.peer.node)
    }
}

/// Takes up a frame that arrived on a request lane. Never waits: an answer must not stand behind
/// a request that finds no room. `None` if it is malformed.
pub(crate) fn receive(
    inbox: &InboxSenders,
    peer: &Arc<PeerState>,
    lane: Lane,
    frame: Bytes,
) -> Option<()> {
    let (Envelope { kind, id }, body) = Envelope::split(frame)?;
    let state = peer.lane(lane);
    let answer = match kind {
        Kind::Request => {
            take_up(inbox, peer, lane, Question { id, body });
            return Some(());
        }
        Kind::Response => Ok(body),
        Kind::Refused => Err(RequestError::Refused),
    };
    if !state.pending.answer(id, answer) {
        state.stats.late_responses.add(1);
    }
    Some(())
}

struct Question {
    id: u64,
    body: Bytes,
}

fn take_up(inbox: &InboxSenders, peer: &Arc<PeerState>, lane: Lane, question: Question) {
    let state = peer.lane(lane);
    let Some(budget) = budget_for(state, question.body.len()) else {
        refuse(peer, lane, question.id);
        return;
    };
    let respond = Responder {
        peer: Arc::clone(peer),
        lane,
        id: question.id,
        answered: false,
        _budget: budget,
    };
    let request = Request { from: peer.node, body: question.body, respond };
    let line = if lane == Lane::Snapshot { &inbox.snapshots } else { &inbox.requests };
    if let Err(mpsc::error::TrySendError::Full(_) | mpsc::error::TrySendError::Closed(_)) =
        line.try_send(request)
    {
        // The request came back and was dropped: its responder has refused it.
        note_refusal(peer, lane);
    }
}

fn budget_for(state: &LaneState, body: usize) -> Option<OwnedSemaphorePermit> {
    let cost = u32::try_from(body + FRAME_COST).ok()?;
    Arc::clone(&state.budget).try_acquire_many_owned(cost).ok()
}

fn refuse(peer: &PeerState, lane: Lane, id: u64) {
    note_refusal(peer, lane);
    let envelope = Some(Envelope { kind: Kind::Refused, id });
    // A refusal that cannot be sent leaves the asker to its deadline.
    let _ = peer.send(lane, Outgoing { envelope, body: Bytes::new() });
}

fn note_refusal(peer: &PeerState, lane: Lane) {
    if peer.lane(lane).stats.refused_requests.first() {
        let lane = lane.name();
        tracing::warn!(node = peer.node, lane, "a request was refused for want of room");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_reaches_its_asker_once_and_a_late_one_nobody() {
        let pending = Pending::default();
        let mut first = pending.register().expect("room");
        let second = pending.register().expect("room");
        assert_ne!(first.id, second.id);
        assert!(pending.answer(first.id, Ok(Bytes::from_static(b"1"))));
        assert!(!pending.answer(first.id, Ok(Bytes::new())), "answered already");
        assert_eq!((&mut first.answer).await, Ok(Ok(Bytes::from_static(b"1"))));
        let id = second.id;
        drop(second);
        assert!(!pending.answer(id, Ok(Bytes::new())), "nobody waits");
    }

    #[tokio::test]
    async fn the_table_is_bounded_and_a_lost_connection_empties_it() {
        let pending = Pending::default();
        let mut tickets: Vec<_> =
            (0..MAX_PENDING).map(|_| pending.register().expect("room")).collect();
        assert_eq!(pending.register().err(), Some(RequestError::QueueFull));
        pending.connection_lost();
        assert!(pending.register().is_ok());
        let answer = (&mut tickets[0].answer).await;
        assert_eq!(answer, Ok(Err(RequestError::ConnectionLost)));
    }
}
