//! A world: machines, clients, operators and faults on one event queue.

use std::{collections::BTreeMap, io::Write};

use precinto_checkers::Violation;
use precinto_protocol::{identity::NodeId, membership::Membership};

use crate::{
    clients::Clients,
    event::{Event, Life},
    guard::guarded,
    machine::{Machine, State},
    node::Process,
    operator::Operator,
    parameters::{MS, Parameters, SECOND},
    random::Random,
    stage::{Stage, Step, Stop},
    trace::Trace,
};

/// Once everything works, the world must settle within this: elections take a second, a snapshot
/// and a replaced node some more, a forwarded request that was lost ten.
const SETTLES_WITHIN: u64 = 60 * SECOND;

/// How often it is looked whether the world has settled.
const LOOK_EVERY: u64 = 50 * MS;

/// See the module.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) machines: BTreeMap<NodeId, Machine>,
    pub(crate) operator: Operator,
    clients: Clients,
}

/// What a world came to.
pub struct Report {
    /// What the seed decided.
    pub parameters: Parameters,
    /// Equal for two runs that did the same.
    pub trace_hash: u64,
    /// Virtual time that passed, microseconds.
    pub time: u64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// What may not have happened, if it did.
    pub violation: Option<Violation>,
}

/// Runs the world of a seed to its end; `lines`, if given, gets a line for everything that happens.
pub fn run(seed: u64, lines: Option<Box<dyn Write>>) -> Report {
    let mut random = Random::new(seed);
    let parameters = Parameters::draw(&mut random);
    let mut world = World::new(Stage::new(random, parameters, Trace::new(lines)));
    let violation = world.live(seed).err();
    let World { mut stage, .. } = world;
    stage.counts.insert("elections", stage.watch.raft.elections() as u64);
    stage.counts.insert("transactions executed", stage.watch.model.executions().count() as u64);
    Report {
        parameters: stage.parameters,
        trace_hash: stage.trace.hash(),
        time: stage.now,
        counts: stage.counts,
        violation,
    }
}

impl World {
    fn new(mut stage: Stage) -> World {
        let ids: Vec<NodeId> = stage.channel.genesis.nodes.iter().map(|node| node.id).collect();
        let contacts = ids.iter().copied().collect();
        let machine = |id| match Machine::new(id, Clone::clone(&contacts), &stage) {
            Ok(machine) => (id, machine),
            Err(stop) => panic!("an empty disk that works: {stop:?}"),
        };
        let machines: BTreeMap<_, _> = ids.iter().map(|id| machine(*id)).collect();
        for id in ids {
            stage.after(0, Event::Start(id));
        }
        stage.after(stage.parameters.fault_every, Event::Fault);
        stage.after(SECOND, Event::Operator);
        let clients = Clients::new(&mut stage);
        World { stage, machines, operator: Operator::default(), clients }
    }

    fn live(&mut self, seed: u64) -> Result<(), Violation> {
        let healed_at = self.stage.parameters.trouble;
        let mut look_at = healed_at;
        while let Some(event) = self.stage.next() {
            if !self.stage.calm && self.stage.now >= healed_at {
                self.heal();
            }
            self.happens(event)?;
            if self.stage.calm && self.stage.now >= look_at {
                look_at = self.stage.now + LOOK_EVERY;
                let unsettled = self.unsettled();
                let Some(unsettled) = unsettled else { return self.finish(seed) };
                if self.stage.now > healed_at + SETTLES_WITHIN {
                    return Err(Violation::new("liveness", unsettled));
                }
            }
        }
        Err(Violation::new("liveness", "nothing happens any more"))
    }

    fn happens(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Arrive(packet) => {
                let to = packet.to;
                let event = |packet| Event::Arrive(packet);
                self.step(to, None, packet, event, |process, packet, stage| {
                    process.arrives(packet, stage)
                })
            }
            Event::Wake(node, life, wake) => {
                let event = |wake| Event::Wake(node, life, wake);
                self.step(node, Some(life), wake, event, |process, wake, stage| {
                    process.wakes(wake, stage)
                })
            }
            Event::Request(node, request) => {
                let event = |request| Event::Request(node, request);
                self.step(node, None, request, event, |process, request, stage| {
                    process.request(request, stage)
                })
            }
            Event::Answer(answer) => {
                self.clients.hear(answer, &mut self.stage);
                Ok(())
            }
            Event::Client(step) => {
                let alive = |it: &&Machine| matches!(it.state, State::Up | State::Down);
                let nodes: Vec<NodeId> =
                    self.machines.values().filter(alive).map(|machine| machine.node).collect();
                self.clients.act(step, &nodes, &mut self.stage);
                Ok(())
            }
            Event::Start(node) => self.start(node),
            Event::Fault => {
                self.next_fault();
                Ok(())
            }
            Event::Ends(ending) => {
                self.end_fault(ending);
                Ok(())
            }
            Event::Operator => match self.look_after() {
                Err(Stop::Violation(violation)) => Err(violation),
                _ => Ok(()),
            },
        }
    }

    /// Something happens in a process: now, or when it goes on after a pause; not at all if it has
    /// ended.
    fn step<T>(
        &mut self,
        node: NodeId,
        life: Option<Life>,
        what: T,
        event: impl FnOnce(T) -> Event,
        act: impl FnOnce(&mut Process, T, &mut Stage) -> Step,
    ) -> Result<(), Violation> {
        let Some(machine) = self.machines.get_mut(&node) else { return Ok(()) };
        let Some(process) = &mut machine.process else { return Ok(()) };
        if life.is_some_and(|life| life != process.host.life) {
            return Ok(());
        }
        if machine.paused_until > self.stage.now {
            self.stage.after(machine.paused_until - self.stage.now, event(what));
            return Ok(());
        }
        let result = guarded(|| act(process, what, &mut self.stage));
        self.settle(node, result)
    }

    fn start(&mut self, node: NodeId) -> Result<(), Violation> {
        let World { machines, stage, .. } = self;
        let Some(machine) = machines.get_mut(&node).filter(|it| it.state == State::Down) else {
            return Ok(());
        };
        let result = guarded(|| machine.start(stage));
        self.settle(node, result)
    }

    /// Deals with what a step of a process came to.
    fn settle(&mut self, node: NodeId, result: Result<Step, String>) -> Result<(), Violation> {
        let reason = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Stop::Violation(violation))) => return Err(violation),
            Ok(Err(Stop::Retired)) => {
                self.kill(node, false, 0);
                self.machine(node).state = State::Retired;
                self.stage.count("nodes retired");
                return Ok(());
            }
            Ok(Err(Stop::Ends(reason))) | Err(reason) => reason,
        };
        let now = self.stage.now;
        self.stage.trace.remark(now, || format!("n{node} ends: {reason}"));
        let wiped = self.machines[&node].volume.is_empty();
        if !self.machines[&node].may_end() && !wiped {
            return Err(Violation::new("node", format!("node {node} ended by itself: {reason}")));
        }
        if self.machines[&node].damaged || wiped {
            self.stage.count(if wiped { "wiped disks refused" } else { "damage found" });
            self.kill_for_good(node);
        } else {
            self.stage.count("processes ended by a write error");
            let outage = self.stage.random.around(300 * MS);
            self.kill(node, true, outage);
        }
        Ok(())
    }

    pub(crate) fn machine(&mut self, node: NodeId) -> &mut Machine {
        self.machines.get_mut(&node).expect("machines are not taken away")
    }

    pub(crate) fn in_state(&self, state: State) -> impl Iterator<Item = NodeId> {
        let those = self.machines.values().filter(move |machine| machine.state == state);
        those.map(|machine| machine.node)
    }

    /// Ends a process, with or without the power of its machine; it starts again after `outage`.
    pub(crate) fn kill(&mut self, node: NodeId, power: bool, outage: u64) {
        let World { machines, stage, .. } = self;
        let machine = machines.get_mut(&node).expect("machines are not taken away");
        machine.kill(stage);
        machine.state = State::Down;
        if power {
            machine.lose_power(stage);
        }
        stage.after(outage, Event::Start(node));
    }

    /// Ends a process whose disk is of no more use.
    pub(crate) fn kill_for_good(&mut self, node: NodeId) {
        let World { machines, stage, .. } = self;
        let machine = machines.get_mut(&node).expect("machines are not taken away");
        machine.kill(stage);
        machine.state = State::Lost;
        stage.watch.lost(node);
    }

    /// What is still missing for everything to be as it should; `None` if nothing is.
    fn unsettled(&self) -> Option<String> {
        let nodes = self.stage.watch.nodes();
        let wanted = Membership::wanted(nodes);
        let height = self.stage.watch.ledger.last().map_or(0, |block| block.height);
        if let Some(waiting) = self.clients.waiting() {
            return Some(waiting);
        }
        let broken =
            self.machines.values().any(|it| it.state == State::Lost && !self.is_replaced(it.node));
        if !self.operator.is_idle() || broken {
            return Some("a node is not replaced".into());
        }
        nodes.iter().filter(|node| node.is_active()).find_map(|node| {
            let id = node.id;
            let process = self.machines.get(&id).and_then(|machine| machine.process.as_ref());
            let Some(process) = process else { return Some(format!("node {id} does not run")) };
            let status = process.status();
            if process.height() != height {
                return Some(format!("node {id} is at height {}, not {height}", process.height()));
            }
            if *status.membership != wanted || status.leader.is_none() {
                return Some(format!("node {id} waits for a leader or a change: {status:?}"));
            }
            None
        })
    }

    pub(crate) fn is_replaced(&self, node: NodeId) -> bool {
        let nodes = self.stage.watch.nodes();
        nodes.iter().any(|it| it.id == node && !it.is_active())
    }

    /// The last checks, once everybody has everything.
    fn finish(&mut self, seed: u64) -> Result<(), Violation> {
        self.clients.give_up(&mut self.stage);
        let World { machines, stage, .. } = self;
        let active: Vec<NodeId> = stage
            .watch
            .nodes()
            .iter()
            .filter(|node| node.is_active())
            .map(|node| node.id)
            .collect();
        stage.watch.ledger.converged(active.iter().copied())?;
        for id in &active {
            let process = machines.get(id).and_then(|machine| machine.process.as_ref());
            if let Some(process) = process {
                stage.watch.compare(*id, &process.view())?;
            }
        }
        let (calls, undecided) = stage.watch.finish(&stage.channel, seed)?;
        stage.counts.insert("calls checked for linearizability", calls as u64);
        stage.counts.insert("keys undecided", undecided as u64);
        Ok(())
    }
}
