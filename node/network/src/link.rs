//! What the driver keeps for one peer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use libp2p::{Stream, swarm::ConnectionId};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::{
    backoff::{self, Backoff},
    config::Peer,
    driver::{Opened, Signal},
    lane::Lane,
    peer::{PeerState, Shared},
    pulse,
    reader::Reader,
    writer::Writer,
};

/// How long a refused peer is left alone. When its operator corrects it, it dials us.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// A task that ends with its owner.
pub(crate) struct Task(pub(crate) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A writer that waits for its stream.
struct Opening {
    connection: ConnectionId,
    reply: oneshot::Sender<Opened>,
}

/// The beats of one connection, in both directions.
struct Pulse {
    /// Takes the stream the peer beats on to the listener; empty afterwards.
    inbound: Option<oneshot::Sender<Stream>>,
    _listener: Task,
    _beat: Option<Task>,
}

/// One peer's connections, streams and dialing. Its tasks end with it.
pub(crate) struct Link {
    pub(crate) state: Arc<PeerState>,
    pub(crate) peer: Peer,
    /// Newest last.
    connections: watch::Sender<Vec<ConnectionId>>,
    pulses: BTreeMap<ConnectionId, Pulse>,
    openings: [Option<Opening>; Lane::COUNT],
    readers: [Option<Task>; Lane::COUNT],
    pub(crate) writers: Vec<Task>,
    accepted: Option<Instant>,
    backoff: Backoff,
    dial_at: Instant,
    dialing: bool,
}

impl Link {
    /// A peer that is dialed at once, with a writer per lane.
    pub(crate) fn new(
        state: Arc<PeerState>,
        peer: Peer,
        shared: &Arc<Shared>,
        driver: &mpsc::Sender<Signal>,
    ) -> Link {
        let (connections, live) = watch::channel(Vec::new());
        let writers = Lane::ALL.map(|lane| {
            let writer = Writer {
                shared: Arc::clone(shared),
                peer: Arc::clone(&state),
                lane,
                driver: driver.clone(),
                connections: live.clone(),
            };
            Task(tokio::spawn(writer.run()))
        });
        Link {
            state,
            peer,
            connections,
            pulses: BTreeMap::new(),
            openings: Default::default(),
            readers: Default::default(),
            writers: writers.into(),
            accepted: None,
            backoff: Backoff::default(),
            dial_at: Instant::now(),
            dialing: false,
        }
    }

    /// The connection to open streams on.
    pub(crate) fn newest(&self) -> Option<ConnectionId> {
        self.connections.borrow().last().copied()
    }

    /// A connection was established; `dialed` if by our dialing.
    pub(crate) fn established(
        &mut self,
        connection: ConnectionId,
        dialed: bool,
        driver: &mpsc::Sender<Signal>,
    ) {
        self.dialing &= !dialed;
        self.connections.send_modify(|live| live.push(connection));
        let (inbound, stream) = oneshot::channel();
        let (peer, driver) = (self.state.id, driver.clone());
        let listener = tokio::spawn(async move {
            pulse::listen(stream).await;
            // A driver that is gone takes every connection with it.
            let _ = driver.send(Signal::Silent { peer, connection }).await;
        });
        let pulse = Pulse { inbound: Some(inbound), _listener: Task(listener), _beat: None };
        self.pulses.insert(connection, pulse);
    }

    /// We may beat on this stream.
    pub(crate) fn beat(&mut self, connection: ConnectionId, stream: Stream) {
        if let Some(pulse) = self.pulses.get_mut(&connection) {
            pulse._beat = Some(Task(tokio::spawn(pulse::beat(stream))));
        }
    }

    /// The peer beats on this stream. Only the first one counts.
    pub(crate) fn listen(&mut self, connection: ConnectionId, stream: Stream) {
        let pulse = self.pulses.get_mut(&connection);
        if let Some(inbound) = pulse.and_then(|pulse| pulse.inbound.take()) {
            // A listener that is gone has reported the silence.
            let _ = inbound.send(stream);
        }
    }

    /// A connection is lost or given up. Whether it was the last one.
    pub(crate) fn lost(&mut self, connection: ConnectionId) -> bool {
        let known = self.connections.send_if_modified(|live| {
            match live.iter().position(|&id| id == connection) {
                Some(position) => {
                    live.remove(position);
                    true
                }
                None => false,
            }
        });
        self.pulses.remove(&connection);
        for opening in &mut self.openings {
            opening.take_if(|opening| opening.connection == connection);
        }
        let last = known && self.newest().is_none();
        if last {
            // Only a connection that lasted starts the pauses over: one that breaks at once would
            // otherwise be dialed ten times a second.
            if self.accepted.take().is_some_and(|since| since.elapsed() > backoff::LONGEST) {
                self.backoff.reset();
            }
            self.dial_at = Instant::now() + self.backoff.next();
        }
        last
    }

    /// The hello on a connection was accepted.
    pub(crate) fn accepted(&mut self, connection: ConnectionId) -> bool {
        let live = self.connections.borrow().contains(&connection);
        if live && self.accepted.is_none() {
            self.accepted = Some(Instant::now());
        }
        live
    }

    /// The hello was refused: no dialing for a while.
    pub(crate) fn refused(&mut self) {
        self.dial_at = Instant::now() + REFUSED_PAUSE;
    }

    /// A writer waits for a stream ordered on `connection`.
    pub(crate) fn opening(
        &mut self,
        lane: Lane,
        connection: ConnectionId,
        reply: oneshot::Sender<Opened>,
    ) {
        self.openings[lane.index()] = Some(Opening { connection, reply });
    }

    /// The stream ordered was opened, or (`None`) could not be.
    pub(crate) fn opened(&mut self, lane: Lane, connection: ConnectionId, stream: Option<Stream>) {
        let opening = self.openings[lane.index()].take_if(|waits| waits.connection == connection);
        if let (Some(opening), Some(stream)) = (opening, stream) {
            // A writer that no longer waits was ended.
            let _ = opening.reply.send(Opened { stream, connection });
        }
    }

    /// The peer opened a stream. It replaces the one before, so that frames stay in order.
    pub(crate) fn read(&mut self, reader: Reader, stream: Stream) {
        let slot = &mut self.readers[reader.lane.index()];
        *slot = Some(Task(tokio::spawn(reader.run(stream))));
    }

    /// When to dial; `None` while connected, while dialing, or without an address.
    pub(crate) fn dial_at(&self) -> Option<Instant> {
        let idle = !self.dialing && self.newest().is_none() && !self.peer.addresses.is_empty();
        idle.then_some(self.dial_at)
    }

    /// Dialing begins.
    pub(crate) fn dial_started(&mut self) {
        self.dialing = true;
    }

    /// Dialing ended without a connection.
    pub(crate) fn dial_failed(&mut self) {
        self.dialing = false;
        self.dial_at = Instant::now() + self.backoff.next();
    }
}
