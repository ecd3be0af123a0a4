//! The links between nodes: each node in a network namespace of its own, and all packets through
//! this process.
//!
//! A namespace has one device (a TUN device of the kernel) whose packets this process reads and
//! writes, so it is the only way from a node to another and to its clients. What becomes of a packet
//! is decided here, for each direction of each pair: kernels that know no `netem`, and containers
//! that may not load it, do as well.

mod cable;
mod switch;

use std::{collections::BTreeMap, ffi::OsString, io, net::Ipv4Addr, sync::Arc};

use crate::dice::Dice;
use cable::{Cable, Namespace};
use switch::Switch;
pub use switch::{Fate, Rule};

/// Number of the clients' own cable, which no rule is about.
const CLIENTS: u64 = 254;

/// The address of a node in its namespace.
pub fn address(node: u64) -> Ipv4Addr {
    let node = u8::try_from(node).expect("networks of tests are small");
    Ipv4Addr::new(10, 78, 0, node)
}

fn number(address: Ipv4Addr) -> u64 {
    u64::from(address.octets()[3])
}

/// The links of a network.
pub struct Links {
    namespaces: BTreeMap<u64, Namespace>,
    switch: Arc<Switch>,
}

impl Links {
    /// Makes a namespace for each node, and a cable for the clients in that of this process.
    ///
    /// # Errors
    /// If the kernel does not let it: see [`crate::inside`].
    pub fn make(nodes: &[u64], dice: Dice) -> io::Result<Links> {
        let mut namespaces = BTreeMap::new();
        let mut cables = BTreeMap::new();
        for &node in nodes {
            let (namespace, cable) = Namespace::new(address(node))?;
            namespaces.insert(node, namespace);
            cables.insert(address(node), Cable::new(cable)?);
        }
        let own = cable::plug_in(address(CLIENTS))?;
        cables.insert(address(CLIENTS), Cable::new(own)?);
        Ok(Links { namespaces, switch: Switch::start(cables, number, dice) })
    }

    /// The command whose last arguments are run where a node is.
    pub fn command(&self, node: u64) -> Vec<OsString> {
        self.namespaces[&node].command()
    }

    /// Packets that were sent so far, and those of them that a rule lost.
    pub fn packets(&self) -> (u64, u64) {
        self.switch.packets()
    }

    /// Puts these rules in force, instead of all others; none: the links are as good as they can be.
    pub fn set(&self, rules: Vec<Rule>) {
        self.switch.set(rules);
    }
}
