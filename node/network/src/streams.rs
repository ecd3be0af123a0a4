//! The libp2p behaviour that opens and accepts the streams of the lanes.
//!
//! Written here rather than taken from `libp2p-stream`, because the driver needs to know on which
//! connection a stream runs (to close the one that is silent), and because that crate drops
//! incoming streams that are not polled in time and keeps an entry per connection for ever.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, Stream,
    core::{
        Endpoint,
        transport::PortUse,
        upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
    },
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        handler::{
            ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
        },
    },
};

use crate::lane::Lane;

/// Streams a connection may have negotiated before the driver took them: each purpose twice.
const MAX_WAITING_STREAMS: usize = 2 * (Lane::COUNT + 1);

/// What a stream is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// To carry a lane; the first frame is a hello.
    Lane(Lane),
    /// To show that the connection carries anything; see [`crate::pulse`].
    Pulse,
}

impl Purpose {
    /// The name negotiated when the stream is opened (multistream-select).
    fn protocol(self) -> &'static str {
        match self {
            Purpose::Lane(Lane::Raft) => "/precinto/raft/1",
            Purpose::Lane(Lane::Gossip) => "/precinto/gossip/1",
            Purpose::Lane(Lane::Request) => "/precinto/request/1",
            Purpose::Lane(Lane::Snapshot) => "/precinto/snapshot/1",
            Purpose::Pulse => "/precinto/pulse/1",
        }
    }
}

/// A stream was negotiated, or could not be.
#[derive(Debug)]
pub(crate) enum Negotiated {
    /// The peer opened it, to write.
    Inbound(Purpose, Stream),
    /// We opened it, to write.
    Outbound(Purpose, Stream),
    /// The peer did not take it.
    Failed(Purpose),
}

/// [`Negotiated`], and where.
pub(crate) struct StreamEvent {
    pub(crate) peer: PeerId,
    pub(crate) connection: ConnectionId,
    pub(crate) negotiated: Negotiated,
}

impl From<Infallible> for StreamEvent {
    fn from(never: Infallible) -> StreamEvent {
        match never {}
    }
}

/// The behaviour: hands what the driver orders to the connection, and what the connection
/// negotiated to the driver.
#[derive(Default)]
pub(crate) struct Behaviour {
    actions: VecDeque<ToSwarm<StreamEvent, Purpose>>,
}

impl Behaviour {
    /// Orders the stream of a lane; a [`StreamEvent`] follows unless the connection ends. The caller polls
    /// the swarm afterwards, so no waker is kept.
    pub(crate) fn open(&mut self, peer: PeerId, connection: ConnectionId, lane: Lane) {
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id: peer,
            handler: NotifyHandler::One(connection),
            event: Purpose::Lane(lane),
        });
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = StreamEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        negotiated: THandlerOutEvent<Self>,
    ) {
        let event = StreamEvent { peer, connection, negotiated };
        self.actions.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// The part of the behaviour that lives with one connection. Opens the pulse by itself.
pub(crate) struct Handler {
    orders: VecDeque<Purpose>,
    negotiated: VecDeque<Negotiated>,
}

impl Default for Handler {
    fn default() -> Handler {
        Handler { orders: VecDeque::from([Purpose::Pulse]), negotiated: VecDeque::new() }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Purpose;
    type ToBehaviour = Negotiated;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Purpose;

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade> {
        let lanes = Lane::ALL.into_iter().map(Purpose::Lane);
        SubstreamProtocol::new(Upgrade(lanes.chain([Purpose::Pulse]).collect()), ())
    }

    fn connection_keep_alive(&self) -> bool {
        // The driver decides how long a connection lives.
        true
    }

    // Every order and every negotiated stream reaches the handler from within the connection's
    // own poll, which polls the handler again: no waker is needed.
    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Upgrade, Purpose, Negotiated>> {
        if let Some(negotiated) = self.negotiated.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(negotiated));
        }
        if let Some(purpose) = self.orders.pop_front() {
            let protocol = SubstreamProtocol::new(Upgrade(vec![purpose]), purpose);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, purpose: Purpose) {
        self.orders.push_back(purpose);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Upgrade, Upgrade, (), Purpose>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (purpose, stream),
                ..
            }) if self.negotiated.len() < MAX_WAITING_STREAMS => {
                self.negotiated.push_back(Negotiated::Inbound(purpose, stream));
            }
            // Beyond the bound the stream is dropped; an honest peer opens it again.
            ConnectionEvent::FullyNegotiatedInbound(_) => {}
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (purpose, stream),
                ..
            }) => self.negotiated.push_back(Negotiated::Outbound(purpose, stream)),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: purpose, .. }) => {
                self.negotiated.push_back(Negotiated::Failed(purpose));
            }
            _ => {}
        }
    }
}

/// Negotiates one of some purposes by its protocol name; the stream itself is used as it is.
#[derive(Debug)]
pub(crate) struct Upgrade(Vec<Purpose>);

/// A purpose as multistream-select knows it.
#[derive(Clone, Debug)]
pub(crate) struct Protocol(Purpose);

impl AsRef<str> for Protocol {
    fn as_ref(&self) -> &str {
        self.0.protocol()
    }
}

impl UpgradeInfo for Upgrade {
    type Info = Protocol;
    type InfoIter = Vec<Protocol>;

    fn protocol_info(&self) -> Vec<Protocol> {
        self.0.iter().copied().map(Protocol).collect()
    }
}

impl InboundUpgrade<Stream> for Upgrade {
    type Output = (Purpose, Stream);
    type Error = Infallible;
    type Future = Ready<Result<(Purpose, Stream), Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: Protocol) -> Self::Future {
        ready(Ok((protocol.0, stream)))
    }
}

impl OutboundUpgrade<Stream> for Upgrade {
    type Output = (Purpose, Stream);
    type Error = Infallible;
    type Future = Ready<Result<(Purpose, Stream), Infallible>>;

    fn upgrade_outbound(self, stream: Stream, protocol: Protocol) -> Self::Future {
        ready(Ok((protocol.0, stream)))
    }
}
