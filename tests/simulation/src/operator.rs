//! The operators of the administrations: they replace nodes that are lost, one at a time, by
//! governance as `precinto node replace` and `precinto node promote` do.

use precinto_protocol::{
    cbor,
    governance::{CONTRACT, PromoteNode, ReplaceNode, Successor},
    identity::NodeId,
    keys::SigningKey,
    membership::Membership,
    registry::{Node, NodeRole},
};

use crate::{
    channel::{END_MS, KeyUse, address, key, storage_id},
    clients::{call, nobody},
    event::{Ask, Event, Request},
    machine::{Machine, State},
    parameters::MS,
    stage::Step,
    world::World,
};

/// How often operators look.
const LOOK_EVERY: u64 = 300 * MS;

/// Looks between two attempts of one step.
const PATIENCE: u64 = 4;

/// What operators are at.
#[derive(Default)]
pub(crate) struct Operator {
    task: Option<Task>,
    looks: u64,
}

#[derive(Clone, Copy)]
struct Task {
    old: NodeId,
    new: NodeId,
}

impl Operator {
    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.task.is_none()
    }
}

impl World {
    /// Whether `node` may be lost now: nothing else is, and a majority of voters is left that is on
    /// its feet or gets up again.
    pub(crate) fn may_lose(&self, node: NodeId) -> bool {
        let mut others = self.machines.values();
        let nodes = self.stage.watch.nodes();
        let listed = nodes.iter().find(|it| it.id == node && it.is_active());
        let wanted = Membership::wanted(nodes);
        let spare = |node: &Node| node.role == NodeRole::Learner || wanted.voters.len() >= 3;
        listed.is_some_and(spare)
            && !nodes.iter().any(|node| node.role == NodeRole::Joining && node.is_active())
            && self.operator.is_idle()
            && others.all(|it| !it.is_broken() || self.is_replaced(it.node))
            && *self.stage.watch.raft.group() == wanted
    }

    /// The operators look after the nodes.
    ///
    /// # Errors
    /// As [`Machine::new`].
    pub(crate) fn look_after(&mut self) -> Step {
        self.stage.after(LOOK_EVERY, Event::Operator);
        self.operator.looks += 1;
        if self.operator.is_idle() {
            self.look_for_loss();
        }
        let Some(task) = self.operator.task else { return Ok(()) };
        let nodes = self.stage.watch.nodes();
        let find = |id| nodes.iter().find(|node| node.id == id);
        let (member, step) = match (find(task.old), find(task.new)) {
            (Some(old), None) => (member_number(old), ("replace-node", self.replacement(task))),
            (_, Some(new)) if new.role == NodeRole::Joining => {
                let promote = cbor::encode(&PromoteNode { node: task.new });
                (member_number(new), ("promote-node", promote))
            }
            _ => {
                self.operator.task = None;
                self.stage.count("nodes replaced");
                return Ok(());
            }
        };
        if self.operator.looks.is_multiple_of(PATIENCE) {
            self.submit(member, step);
        }
        Ok(())
    }

    /// A lost node is seen at once, a damaged one that still runs after a while.
    fn look_for_loss(&mut self) {
        let lost = self.in_state(State::Lost).find(|node| !self.is_replaced(*node));
        let damaged = self.machines.values().find(|it| it.damaged && it.state != State::Retired);
        let damaged = damaged.map(|machine| machine.node).filter(|node| !self.is_replaced(*node));
        let seen = self.stage.random.chance(150);
        if let Some(node) = lost.or(damaged.filter(|_| seen)) {
            self.replace(node);
        }
    }

    /// Begins to put a new node in the place of `node`; `true` unless something is in the way.
    pub(crate) fn replace(&mut self, node: NodeId) -> bool {
        if self.machines[&node].damaged {
            self.kill_for_good(node);
        }
        let new = self.machines.keys().next_back().map_or(1, |last| last + 1);
        let contacts = self.machines.keys().copied().chain([new]).collect();
        let Ok(machine) = Machine::new(new, contacts, &self.stage) else { return false };
        self.machines.insert(new, machine);
        self.stage.after(0, Event::Start(new));
        self.operator.task = Some(Task { old: node, new });
        true
    }

    fn replacement(&self, task: Task) -> Vec<u8> {
        let keys = [KeyUse::Identity, KeyUse::Network, KeyUse::Attestation];
        let [identity, network, attestation] = keys.map(|usage| key(usage, task.new));
        let public = |key: &SigningKey| key.public().to_bytes();
        let successor = Successor {
            id: task.new,
            replaces: task.old,
            identity_key: public(&identity),
            network_key: public(&network),
            attestation_key: public(&attestation),
            addresses: vec![address(task.new)],
            storage_id: storage_id(task.new),
        };
        let message = successor.possession(&self.stage.channel.origin.channel);
        let proof = |key: &SigningKey| key.sign(message.as_bytes());
        cbor::encode(&ReplaceNode {
            identity_possession: proof(&identity),
            network_possession: proof(&network),
            attestation_possession: proof(&attestation),
            successor,
            valid_until_ms: END_MS,
        })
    }

    /// An admin of a member calls a method of governance at any node that is up.
    fn submit(&mut self, member: u64, (method, args): (&str, Vec<u8>)) {
        let up: Vec<NodeId> = self.in_state(State::Up).collect();
        let Some(node) = self.stage.random.pick(&up).copied() else { return };
        let admin = key(KeyUse::Admin, member);
        let transaction = call(&mut self.stage, (CONTRACT, method, args), &admin, false);
        let request = Request { step: nobody(), ask: Ask::Submit(transaction.encode()) };
        self.stage.after(MS, Event::Request(node, request));
    }
}

/// The number in a member's id.
fn member_number(node: &Node) -> u64 {
    node.member.trim_start_matches('m').parse().expect("members are named by number")
}
