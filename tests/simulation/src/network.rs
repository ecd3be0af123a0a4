//! The network between nodes: when, and how often, a message arrives.

use std::collections::{BTreeMap, BTreeSet};

use precinto_protocol::identity::NodeId;

use crate::{parameters::Parameters, random::Random};

/// From one node to another; the way back is another link.
pub(crate) type Link = (NodeId, NodeId);

/// See the module. Delays are drawn anew for every message, so that messages overtake each other.
#[derive(Default)]
pub(crate) struct Network {
    /// Nothing gets through.
    cut: BTreeSet<Link>,
    /// Nothing gets through before this time; then all of it does.
    clogged: BTreeMap<Link, u64>,
    /// Neither loss nor duplicates nor long delays.
    pub calm: bool,
}

impl Network {
    /// Cuts a link.
    pub(crate) fn cut(&mut self, link: Link) {
        self.cut.insert(link);
    }

    /// Lets a cut link work again.
    pub(crate) fn mend(&mut self, link: Link) {
        self.cut.remove(&link);
    }

    /// Holds what is sent over a link until `until`.
    pub(crate) fn clog(&mut self, link: Link, until: u64) {
        self.clogged.insert(link, until);
    }

    /// Everything works from now on.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.clogged.clear();
        self.calm = true;
    }

    /// When a message that is sent now arrives; never if it is lost, twice if it is doubled.
    pub(crate) fn arrivals(
        &self,
        now: u64,
        link: Link,
        parameters: &Parameters,
        random: &mut Random,
    ) -> Vec<u64> {
        if self.calm {
            return vec![now + random.between(100, 1_000)];
        }
        if self.cut.contains(&link) || random.chance(parameters.loss) {
            return Vec::new();
        }
        let copies = 1 + u64::from(random.chance(parameters.duplicates));
        let held = self.clogged.get(&link).copied().unwrap_or_default();
        (0..copies).map(|_| now.max(held) + random.around(parameters.delay).max(1)).collect()
    }
}
