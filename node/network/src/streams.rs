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

/// Streams a connection may have negotiated before the driver took them: one per lane, twice.
const MAX_WAITING_STREAMS: usize = 2 * Lane::COUNT;

/// A stream was negotiated, or could not be.
#[derive(Debug)]
pub(crate) enum Negotiated {
    /// The peer opened it, to write.
    Inbound(Lane, Stream),
    /// We opened it, to write.
    Outbound(Lane, Stream),
    /// The peer did not take it.
    Failed(Lane),
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
    actions: VecDeque<ToSwarm<StreamEvent, Lane>>,
}

impl Behaviour {
    /// Orders a stream; a [`StreamEvent`] follows unless the connection ends. The caller polls
    /// the swarm afterwards, so no waker is kept.
    pub(crate) fn open(&mut self, peer: PeerId, connection: ConnectionId, lane: Lane) {
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id: peer,
            handler: NotifyHandler::One(connection),
            event: lane,
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
        let event = StreamEvent {
            peer,
            connection,
            negotiated,
        };
        self.actions.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// The part of the behaviour that lives with one connection.
#[derive(Default)]
pub(crate) struct Handler {
    orders: VecDeque<Lane>,
    negotiated: VecDeque<Negotiated>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Lane;
    type ToBehaviour = Negotiated;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Lane;

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade> {
        SubstreamProtocol::new(Upgrade(Lane::ALL.to_vec()), ())
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
    ) -> Poll<ConnectionHandlerEvent<Upgrade, Lane, Negotiated>> {
        if let Some(negotiated) = self.negotiated.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(negotiated));
        }
        if let Some(lane) = self.orders.pop_front() {
            let protocol = SubstreamProtocol::new(Upgrade(vec![lane]), lane);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, lane: Lane) {
        self.orders.push_back(lane);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Upgrade, Upgrade, (), Lane>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (lane, stream),
                ..
            }) => {
                // Beyond the bound the stream is dropped; an honest peer opens it again.
                if self.negotiated.len() < MAX_WAITING_STREAMS {
                    self.negotiated.push_back(Negotiated::Inbound(lane, stream));
                }
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (lane, stream),
                ..
            }) => self
                .negotiated
                .push_back(Negotiated::Outbound(lane, stream)),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: lane, .. }) => {
                self.negotiated.push_back(Negotiated::Failed(lane));
            }
            _ => {}
        }
    }
}

/// Negotiates one of some lanes by its protocol name; the stream itself is used as it is.
#[derive(Debug)]
pub(crate) struct Upgrade(Vec<Lane>);

/// A lane as multistream-select knows it.
#[derive(Clone, Debug)]
pub(crate) struct Protocol(Lane);

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
    type Output = (Lane, Stream);
    type Error = Infallible;
    type Future = Ready<Result<(Lane, Stream), Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: Protocol) -> Self::Future {
        ready(Ok((protocol.0, stream)))
    }
}

impl OutboundUpgrade<Stream> for Upgrade {
    type Output = (Lane, Stream);
    type Error = Infallible;
    type Future = Ready<Result<(Lane, Stream), Infallible>>;

    fn upgrade_outbound(self, stream: Stream, protocol: Protocol) -> Self::Future {
        ready(Ok((protocol.0, stream)))
    }
}
