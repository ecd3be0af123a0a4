//! Methods that change nodes of the author's member.
//!
//! What is written here is what members want; the Raft group follows, one step at a time, and
//! execution writes what is in force ([`Membership`]) beside it. A voter's seat is never lost and
//! never won: a node that replaces a voter is `joining` until its member promotes it.

use alloc::{format, vec::Vec};

use precinto_contract::{Host, Key, Rejection, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    call::CallContext,
    governance::{NodeEvent, PromoteNode, ReplaceNode, Successor},
    identity::{KeyId, NodeId, Role},
    membership::Membership,
    registry::{Identity, IdentityStatus, Node, NodeRole, RegistryKey},
};

use crate::{
    identities,
    methods::{add, author, bad, check_possession, code},
    scan,
};

/// Topic of every change of a node.
const TOPIC: &str = "governance.node";

/// Addresses of a node: one per network it is reached from, with room to spare.
pub const MAX_ADDRESSES: usize = 8;

/// Bytes of an address: a domain name, a colon and a port.
pub const MAX_ADDRESS_BYTES: usize = 260;

/// `replace-node`: retires a node of the author's member and registers its successor.
pub(crate) fn replace(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: ReplaceNode = decode_args(args)?;
    let context = host.context();
    let member = author(&context)?;
    let nodes = Nodes::read(host)?;
    let successor = &args.successor;
    let mut old = nodes.own_active(&member, successor.replaces)?;
    check_successor(&nodes, successor)?;
    check_keys(host, &context, &args)?;
    nodes.check_settled()?;
    if old.role == NodeRole::Voter {
        nodes.check_quorum_without(old.id)?;
    }
    let role = match old.role {
        NodeRole::Voter | NodeRole::Joining => NodeRole::Joining,
        NodeRole::Learner => NodeRole::Learner,
    };
    let new = Node {
        id: successor.id,
        member: member.clone(),
        role,
        identity_key: successor.identity_key,
        network_key: successor.network_key,
        attestation_key: successor.attestation_key,
        addresses: successor.addresses.clone(),
        storage_id: successor.storage_id,
        retired_ms: None,
    };
    let identity = Identity {
        public_key: successor.identity_key,
        member,
        roles: [Role::Node].into(),
        valid_from_ms: context.time_ms,
        valid_until_ms: args.valid_until_ms,
        status: IdentityStatus::Active,
    };
    add(host, &identity)?;
    old.retired_ms = Some(context.time_ms);
    change(host, &old, "retire");
    revoke(host, &old, context.time_ms)?;
    change(host, &new, "register");
    encode_result(&())
}

/// `promote-node`: a joining node of the author's member takes its voter's seat.
pub(crate) fn promote(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let PromoteNode { node } = decode_args(args)?;
    let member = author(&host.context())?;
    let nodes = Nodes::read(host)?;
    let mut node = nodes.own_active(&member, node)?;
    if node.role != NodeRole::Joining {
        let message =
            format!("node {}: only a node that replaced a voter has a seat to take", node.id);
        return Err(Rejection::new(code::NO_SEAT, message));
    }
    nodes.check_settled()?;
    node.role = NodeRole::Voter;
    change(host, &node, "promote");
    encode_result(&())
}

/// Writes a node as it now stands, and the event.
fn change(host: &mut dyn Host, node: &Node, change: &str) {
    host.write(&Key::from(&RegistryKey::node(node.id)), node);
    let event = NodeEvent { node: node.id, member: node.member.clone(), change: change.into() };
    host.publish(TOPIC, &event);
}

/// The identity key of a retired node signs nothing any more. It may be revoked already.
fn revoke(host: &mut dyn Host, old: &Node, now_ms: u64) -> Result<()> {
    if let Some(mut identity) = identities::read(host, &KeyId::of(&old.identity_key))?
        && identity.status == IdentityStatus::Active
    {
        identity.status = IdentityStatus::Revoked { at_ms: now_ms };
        identities::change(host, &identity, "revoke");
    }
    Ok(())
}

fn check_successor(nodes: &Nodes, successor: &Successor) -> Result<()> {
    let taken =
        |what: &str| Err(Rejection::new(code::ALREADY_REGISTERED, format!("{what}: used before")));
    let highest = nodes.all.iter().map(|node| node.id).max().unwrap_or_default();
    if successor.id <= highest {
        let message = format!("id: ids are never used again, the next is {}", highest + 1);
        return Err(Rejection::new(code::ALREADY_REGISTERED, message));
    }
    if nodes.all.iter().any(|node| node.storage_id == successor.storage_id) {
        return taken("storage_id");
    }
    let keys = successor.keys();
    let of = |node: &Node| [node.identity_key, node.network_key, node.attestation_key];
    let known = |key: &&[u8; 32]| nodes.all.iter().any(|node| of(node).contains(*key));
    if keys.iter().any(known) || keys[0] == keys[1] || keys[1] == keys[2] || keys[0] == keys[2] {
        return taken("keys");
    }
    let sound = |address: &str| address.len() <= MAX_ADDRESS_BYTES && is_address(address);
    let addresses = &successor.addresses;
    if !(1..=MAX_ADDRESSES).contains(&addresses.len()) || !addresses.iter().all(|a| sound(a)) {
        return Err(bad("addresses", "1 to 8, each host:port"));
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn check_keys(host: &dyn Host, context: &CallContext, args: &ReplaceNode) -> Result<()> {
    let message = args.successor.possession(&context.channel);
    let names = ["identity_key", "network_key", "attestation_key"];
    let proofs = args.successor.keys().into_iter().zip(args.possessions());
    for (name, (key, signature)) in names.into_iter().zip(proofs) {
        check_possession(host, name, key, &message, signature)?;
    }
    Ok(())
}

/// All nodes, and the Raft group in force.
struct Nodes {
    all: Vec<Node>,
    in_force: Membership,
}

impl Nodes {
    fn read(host: &dyn Host) -> Result<Nodes> {
        let all = scan::entries(host, &RegistryKey::nodes());
        let all = all.map(|(_, value)| decode_stored(&value)).collect::<Result<_>>()?;
        let in_force: Option<Membership> = host.read(&Key::from(&RegistryKey::membership()))?;
        let in_force = in_force.ok_or_else(|| {
            Rejection::new(Rejection::CORRUPT_STATE, "the registry has no membership")
        })?;
        Ok(Nodes { all, in_force })
    }

    fn own_active(&self, member: &str, id: NodeId) -> Result<Node> {
        let own = |node: &&Node| node.id == id && node.member == member && node.is_active();
        let node = self.all.iter().find(own).cloned();
        node.ok_or_else(|| {
            let message = format!("node {id} is no active node of the author's member");
            Rejection::new(code::UNKNOWN_NODE, message)
        })
    }

    /// One change after the other: refuses while a retired node is still in the Raft group, or a
    /// registered one is not yet. Both take a quorum and a moment. A promotion is not waited for:
    /// it takes its node to have caught up, and must not let one member block the others.
    fn check_settled(&self) -> Result<()> {
        let in_force = |node: &Node| self.in_force.contains(node.id);
        if self.all.iter().all(|node| in_force(node) == node.is_active()) {
            return Ok(());
        }
        Err(Rejection::new(code::CHANGE_PENDING, "the last change of nodes is not in force yet"))
    }

    /// Refuses unless a majority of the channel's seats is left to voters in force that are meant
    /// to stay.
    fn check_quorum_without(&self, leaving: NodeId) -> Result<()> {
        let active = || self.all.iter().filter(|node| node.is_active());
        let seats = active().filter(|node| node.role != NodeRole::Learner).count();
        let votes = |node: &&Node| {
            node.role == NodeRole::Voter
                && self.in_force.voters.contains(&node.id)
                && node.id != leaving
        };
        let left = active().filter(votes).count();
        if 2 * left > seats {
            return Ok(());
        }
        let message = format!("only {left} of {seats} voters would be left: let others join first");
        Err(Rejection::new(code::WOULD_LOSE_QUORUM, message))
    }
}
