//! What everybody in a world shares: time, what is going to happen, chance, the network, and those
//! who watch.

use std::collections::BTreeMap;

use precinto_checkers::Violation;
use precinto_consensus::StartError;
use precinto_core::{apply::ApplyError, open::OpenError};
use precinto_execution::ViewError;
use precinto_protocol::identity::NodeId;
use precinto_storage::StorageError;

use crate::{
    channel::{Channel, START_MS},
    event::{Body, Event, Life, Packet, Wake},
    network::Network,
    parameters::{MS, Parameters},
    random::Random,
    trace::Trace,
    watch::Watch,
};

/// Why a step did not end well.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something may not have happened: the world ends.
    Violation(Violation),
    /// The process ends, as it must when a write fails or bytes are damaged.
    Ends(String),
    /// The node's member has put another one in its place.
    Retired,
}

/// What a step comes to.
pub(crate) type Step<T = ()> = Result<T, Stop>;

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Stop {
        Stop::Violation(violation)
    }
}

macro_rules! ends_the_process {
    ($($error:ty),*) => {
        $(impl From<$error> for Stop {
            fn from(error: $error) -> Stop {
                Stop::Ends(error.to_string())
            }
        })*
    };
}

ends_the_process!(StorageError, ApplyError, OpenError, StartError, ViewError);

/// See the module.
pub(crate) struct Stage {
    /// Virtual time, microseconds.
    pub now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    /// Chance.
    pub random: Random,
    /// What the seed decided.
    pub parameters: Parameters,
    /// The channel.
    pub channel: Channel,
    /// The network.
    pub network: Network,
    /// The checkers.
    pub watch: Watch,
    /// What happened.
    pub trace: Trace,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// Whether the trouble is over.
    pub calm: bool,
}

impl Stage {
    /// At time 0.
    pub(crate) fn new(random: Random, parameters: Parameters, trace: Trace) -> Stage {
        let channel = Channel::new(&parameters);
        Stage {
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            watch: Watch::new(&channel.genesis),
            random,
            parameters,
            channel,
            network: Network::default(),
            trace,
            counts: BTreeMap::new(),
            calm: false,
        }
    }

    /// Something happens `delay` microseconds from now.
    pub(crate) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), event);
    }

    /// Something is due within a process.
    pub(crate) fn wake(&mut self, delay: u64, (node, life): (NodeId, Life), wake: Wake) {
        self.after(delay, Event::Wake(node, life, wake));
    }

    /// The next thing that happens; time goes there.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let ((time, _), event) = self.queue.pop_first()?;
        self.now = time;
        Some(event)
    }

    /// Sends a message; returns whether it will arrive.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, body: Body) -> bool {
        let Stage { network, parameters, random, now, .. } = self;
        let arrivals = network.arrivals(*now, (from, to), parameters, random);
        for time in &arrivals {
            self.at(*time, Event::Arrive(Packet { from, to, body: body.clone() }));
        }
        if arrivals.len() != 1 {
            self.count(if arrivals.is_empty() { "messages lost" } else { "messages doubled" });
        }
        !arrivals.is_empty()
    }

    /// What a right clock shows, milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> u64 {
        START_MS + 1 + self.now / MS
    }

    /// Counts something.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}
