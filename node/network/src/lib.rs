//! The peer-to-peer network: authenticated connections between the nodes of one channel and
//! framed, bounded lanes on top of them.
//!
//! # Mental model
//! Nodes know each other from committed membership ([`Peer`]); nobody else gets a connection.
//! Between two nodes runs TCP, encrypted and authenticated with noise, multiplexed with yamux.
//! Each [`Lane`] is one long-lived stream per direction: the sender opens it, introduces itself
//! with a [`Hello`], then writes length-prefixed frames. [`FrameLane`]s carry one-way frames;
//! [`RequestLane`]s carry requests and their answers, matched by correlation ids.
//!
//! Three kinds of tasks work here. The *driver* owns the connections: it dials, accepts, opens
//! streams and says who is connected. A *writer* per peer and lane drains that lane's queue. A
//! *reader* per peer and lane checks the hello and hands frames to the [`Inbox`].
//!
//! # Invariants
//! * Within one lane from one node, frames arrive in the order they were sent; frames may be lost
//!   (a broken connection, a full queue), never repeated. What is above must tolerate loss.
//! * A node sends to a peer, and delivers what it reads from it, only after that peer's hello was
//!   accepted: same genesis, same protocol version, the node id that belongs to the authenticated
//!   key, the storage id known for it.
//! * Every queue is bounded in frames and bytes. A full outbound queue refuses the newest frame
//!   ([`SendError::QueueFull`]); a full inbox stops reading that lane from that peer, and no
//!   other lane; a request that finds no room is refused, not held.
//! * A connection that carries nothing for [`SILENCE`] is taken for lost and given up.
//!
//! # What this crate must never depend on
//! Consensus, storage, execution or the API: bodies are bytes, and who is a peer is told by the
//! caller. It never decides what a frame means.
#![forbid(unsafe_code)]

mod backoff;
mod config;
mod driver;
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod hello;
mod inbox;
mod lane;
mod link;
mod peer;
mod pulse;
mod queue;
mod reader;
mod requests;
mod stats;
mod strangers;
mod streams;
mod swarm;
mod wire;
mod writer;

pub use config::{NetworkConfig, NetworkError, Peer};
pub use handle::{Network, NetworkHandle};
pub use hello::{Hello, Refusal, StorageId};
pub use inbox::{Frame, Inbox, PeerEvent};
pub use lane::{FrameLane, Lane, RequestLane};
pub use pulse::SILENCE;
pub use queue::SendError;
pub use requests::{Request, RequestError, Responder};
pub use stats::{Counter, LaneStatus, NetworkStats, PeerStatus};
