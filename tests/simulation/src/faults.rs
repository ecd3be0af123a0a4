//! What goes wrong, and for how long.

use precinto_consensus::{Fitness, Input, RaftRole};
use precinto_protocol::identity::NodeId;

use crate::{
    event::Event,
    machine::State,
    network::Link,
    parameters::{FaultKind, MS, SECOND},
    random::Random,
    world::World,
};

/// How a fault ends, unless everything is healed before.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// Cut links work again.
    Mend(Vec<Link>),
    /// A clock is put right.
    Clock(NodeId),
    /// A node is fit for everything again.
    Fit(NodeId),
}

impl World {
    /// Draws a fault and makes it happen.
    pub(crate) fn next_fault(&mut self) {
        let stage = &mut self.stage;
        if stage.calm {
            return;
        }
        let pause = stage.random.around(stage.parameters.fault_every);
        stage.after(pause, Event::Fault);
        let kind = draw(&stage.parameters.faults, &mut stage.random);
        let up: Vec<NodeId> = self.in_state(State::Up).collect();
        if let (Some(kind), Some(node)) = (kind, self.stage.random.pick(&up).copied())
            && self.inject(kind, node)
        {
            let now = self.stage.now;
            self.stage.trace.remark(now, || format!("fault: {kind:?}, n{node}"));
            self.stage.count(kind.name());
        }
    }

    /// Returns whether it happened.
    fn inject(&mut self, kind: FaultKind, node: NodeId) -> bool {
        let outage = self.stage.random.around(500 * MS);
        match kind {
            FaultKind::Kill => self.kill(node, false, outage),
            FaultKind::PowerFailure => self.kill(node, true, outage),
            FaultKind::LongOutage => {
                let outage = self.stage.random.between(3 * SECOND, 8 * SECOND);
                let power = self.stage.random.chance(500);
                self.kill(node, power, outage);
            }
            FaultKind::Blackout => {
                let up: Vec<NodeId> = self.in_state(State::Up).collect();
                for node in up {
                    let outage = self.stage.random.around(500 * MS);
                    self.kill(node, true, outage);
                }
            }
            FaultKind::WriteError => {
                let writes = self.stage.random.below(12);
                let machine = self.machine(node);
                machine.failing = true;
                machine.volume.fail_writes_after(writes);
            }
            FaultKind::Pause => {
                let until = self.stage.now + self.stage.random.around(SECOND);
                self.machine(node).paused_until = until;
            }
            FaultKind::Partition => self.partition(),
            FaultKind::Clog => self.clog(),
            FaultKind::ClockJump => return self.jump_clock(node),
            FaultKind::Unfit => self.make_unfit(node),
            FaultKind::Transfer => return self.transfer(),
            FaultKind::BitFlip => return self.flip_bits(node),
            FaultKind::Wipe => return self.wipe(node),
            FaultKind::Replace => return self.may_lose(node) && self.replace(node),
        }
        true
    }

    fn partition(&mut self) {
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        let random = &mut self.stage.random;
        let side: Vec<bool> = ids.iter().map(|_| random.chance(400)).collect();
        let both_ways = random.chance(600);
        let mut links = Vec::new();
        for (from, from_side) in ids.iter().zip(&side) {
            for (to, to_side) in ids.iter().zip(&side) {
                if from_side != to_side && (both_ways || *from_side) {
                    links.push((*from, *to));
                }
            }
        }
        let length = random.around(1_500 * MS);
        links.iter().for_each(|link| self.stage.network.cut(*link));
        self.stage.after(length, Event::Ends(Ending::Mend(links)));
    }

    fn clog(&mut self) {
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        let stage = &mut self.stage;
        for _ in 0..stage.random.between(1, 3) {
            let ends = (stage.random.pick(&ids).copied(), stage.random.pick(&ids).copied());
            if let (Some(from), Some(to)) = ends {
                let until = stage.now + stage.random.around(800 * MS);
                stage.network.clog((from, to), until);
            }
        }
    }

    /// A minority of clocks may be wrong at a time: more cannot be told from the right ones.
    fn jump_clock(&mut self, node: NodeId) -> bool {
        let wrong = self.machines.values().filter(|machine| machine.skew_ms != 0).count() as u64;
        if wrong >= (self.stage.parameters.voters - 1) / 2 {
            return false;
        }
        let random = &mut self.stage.random;
        let length = random.around(2 * SECOND);
        let far = if random.chance(300) { 3_600_000 } else { 40_000 };
        let skew_ms = random.between(1, 2 * far) as i64 - far as i64;
        self.machine(node).set_clock(skew_ms);
        self.stage.after(length, Event::Ends(Ending::Clock(node)));
        true
    }

    fn make_unfit(&mut self, node: NodeId) {
        let fitness = if self.stage.random.chance(500) { Fitness::Follow } else { Fitness::Serve };
        let length = self.stage.random.around(SECOND);
        self.set_fitness(node, fitness);
        self.stage.after(length, Event::Ends(Ending::Fit(node)));
    }

    fn set_fitness(&mut self, node: NodeId, fitness: Fitness) {
        let World { machines, stage, .. } = self;
        if let Some(process) = machines.get_mut(&node).and_then(|it| it.process.as_mut()) {
            process.set_fitness(fitness, stage);
        }
    }

    fn transfer(&mut self) -> bool {
        let World { machines, stage, .. } = self;
        let processes = machines.values_mut().filter_map(|machine| machine.process.as_mut());
        let mut leaders = processes.filter(|it| it.status().role == RaftRole::Leader);
        let leader = leaders.next();
        leader.map(|leader| leader.feed(Input::TransferLeadership, stage)).is_some()
    }

    /// The disk changes bits on its own. The budget: one node at a time that the group can spare.
    fn flip_bits(&mut self, node: NodeId) -> bool {
        if !self.may_lose(node) {
            return false;
        }
        let World { machines, stage, .. } = self;
        let machine = machines.get_mut(&node).expect("it is up");
        machine.damaged = true;
        let random = &mut stage.random;
        for _ in 0..random.between(1, 20) {
            let (database, row, bit) = (random.next(), random.next(), random.next());
            machine.volume.flip_bit(database as usize, row as usize, bit as usize);
        }
        true
    }

    fn wipe(&mut self, node: NodeId) -> bool {
        if !self.may_lose(node) {
            return false;
        }
        self.kill(node, true, 100 * MS);
        self.machine(node).volume = Default::default();
        self.stage.watch.lost(node);
        true
    }

    /// A fault ends by itself.
    pub(crate) fn end_fault(&mut self, ending: Ending) {
        match ending {
            Ending::Mend(links) => {
                links.into_iter().for_each(|link| self.stage.network.mend(link));
            }
            Ending::Clock(node) => self.machine(node).set_clock(0),
            Ending::Fit(node) => self.set_fitness(node, Fitness::Lead),
        }
    }

    /// Everything works from now on; what is lost stays lost.
    pub(crate) fn heal(&mut self) {
        self.stage.calm = true;
        self.stage.network.heal();
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        for node in ids {
            let now = self.stage.now;
            let machine = self.machine(node);
            machine.set_clock(0);
            machine.paused_until = machine.paused_until.min(now);
            machine.volume.work_again();
            let down = machine.state == State::Down;
            self.set_fitness(node, Fitness::Lead);
            if down {
                self.stage.after(0, Event::Start(node));
            }
        }
    }
}

fn draw(faults: &[(FaultKind, u64)], random: &mut Random) -> Option<FaultKind> {
    let mut drawn = random.below(faults.iter().map(|(_, weight)| weight).sum());
    faults.iter().find_map(|(kind, weight)| {
        let found = drawn < *weight;
        drawn = drawn.saturating_sub(*weight);
        found.then_some(*kind)
    })
}
