//! What is done to a network in a round, drawn from its seed.

use std::{fmt, time::Duration};

use precinto_cluster_tests::{NODES, VOTERS};

use crate::{
    dice::Dice,
    links::{Fate, Rule},
};

/// Faults of a round.
const FAULTS: u64 = 4;

/// How long a fault lasts, in milliseconds: from a hiccup to several elections.
const LASTS_MS: std::ops::RangeInclusive<u64> = 200..=5_000;

/// Whom it is done to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The node that leads when it begins.
    Leader,
    /// These.
    Nodes(Vec<u64>),
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The process is killed (SIGKILL), and started again in the end.
    Kill(Target),
    /// The process does not run (SIGSTOP), nor notices.
    Freeze(Target),
    /// The process is asked to end (SIGTERM), hands over if it leads, and is started again at once.
    Restart(Target),
    /// There is no byte left on its disk.
    FullDisk(Target),
    /// Its clock is so many milliseconds off.
    ClockOff(Target, i64),
    /// Packets between nodes are lost, late or doubled.
    Links(Vec<Rule>),
}

/// A fault, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// From the beginning of the round.
    pub begins: Duration,
    /// From the beginning of the round, later.
    pub ends: Duration,
    /// What is done.
    pub fault: Fault,
}

/// Which faults can be done on this machine, beside those of processes and clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds {
    /// Links have faults.
    pub links: bool,
    /// Disks are small enough to be filled.
    pub disks: bool,
}

/// The faults of a round that begin within `length`, in order of time. They may overlap.
pub fn draw(dice: &mut Dice, length: Duration, kinds: Kinds) -> Vec<Planned> {
    let latest = length.as_millis() as u64;
    let mut plan: Vec<Planned> = (0..dice.within(2..=FAULTS))
        .map(|_| {
            let begins = dice.millis(0..=latest);
            Planned { begins, ends: begins + dice.millis(LASTS_MS), fault: one(dice, kinds) }
        })
        .collect();
    plan.sort_by_key(|planned| planned.begins);
    plan
}

fn one(dice: &mut Dice, kinds: Kinds) -> Fault {
    loop {
        return match dice.within(0..=11) {
            0 | 1 => Fault::Kill(victims(dice)),
            2 => Fault::Kill(Target::Nodes(NODES.to_vec())),
            3 | 4 => Fault::Freeze(victims(dice)),
            5 => Fault::Restart(victims(dice)),
            6 => Fault::ClockOff(one_target(dice), clock(dice)),
            7 | 8 if kinds.disks => Fault::FullDisk(disks(dice)),
            9..=11 if kinds.links => Fault::Links(links(dice)),
            _ => continue,
        };
    }
}

fn one_target(dice: &mut Dice) -> Target {
    if dice.per_mille(500) { Target::Leader } else { Target::Nodes(vec![dice.pick(&NODES)]) }
}

/// The leader, one, or a majority.
fn victims(dice: &mut Dice) -> Target {
    if dice.per_mille(250) { Target::Nodes(dice.some(&VOTERS, 2)) } else { one_target(dice) }
}

/// Disks of voters only are small. Each of them full: nothing can be written anywhere.
fn disks(dice: &mut Dice) -> Target {
    let count = dice.within(1..=VOTERS.len() as u64);
    Target::Nodes(dice.some(&VOTERS, count as usize))
}

/// Some seconds, within what is tolerated or beyond, or an hour.
fn clock(dice: &mut Dice) -> i64 {
    let ms = dice.pick(&[500, 5_000, 25_000, 3_600_000]);
    if dice.per_mille(500) { ms } else { -ms }
}

fn links(dice: &mut Dice) -> Vec<Rule> {
    let rule = |from: &[u64], to: &[u64], fate| Rule { from: from.to_vec(), to: to.to_vec(), fate };
    let count = dice.within(1..=2) as usize;
    let some = dice.some(&NODES, count);
    let rest: Vec<u64> = NODES.into_iter().filter(|node| !some.contains(node)).collect();
    match dice.within(0..=5) {
        // A split.
        0 | 1 => vec![rule(&some, &rest, Fate::Cut), rule(&rest, &some, Fate::Cut)],
        // They hear, and are not heard; or the reverse.
        2 => vec![rule(&some, &rest, Fate::Cut)],
        3 => vec![rule(&rest, &some, Fate::Cut)],
        // Two do not reach each other, and everybody else does.
        4 => {
            let pair = dice.some(&VOTERS, 2);
            vec![rule(&pair, &pair, Fate::Cut)]
        }
        _ => {
            let delay = dice.millis(5..=150);
            let jitter = dice.millis(0..=100);
            let (lost, twice) = (dice.within(0..=80), dice.within(0..=20));
            let fate = Fate::Poor { delay, jitter, lost, twice };
            vec![rule(&NODES, &NODES, fate)]
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Leader => f.write_str("the leader"),
            Target::Nodes(nodes) => write!(f, "nodes {nodes:?}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Kill(target) => write!(f, "kill {target}"),
            Fault::Freeze(target) => write!(f, "freeze {target}"),
            Fault::Restart(target) => write!(f, "stop {target} in good order and start again"),
            Fault::FullDisk(target) => write!(f, "fill the disks of {target}"),
            Fault::ClockOff(target, ms) => write!(f, "set the clock of {target} off by {ms} ms"),
            Fault::Links(rules) => {
                let rules: Vec<String> = rules.iter().map(Rule::to_string).collect();
                write!(f, "links {}", rules.join(", "))
            }
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begins, ends) = (self.begins.as_secs_f32(), self.ends.as_secs_f32());
        write!(f, "{begins:.1} s to {ends:.1} s: {}", self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Kinds = Kinds { links: true, disks: true };
    const LENGTH: Duration = Duration::from_secs(5);

    fn many(kinds: Kinds) -> Vec<Planned> {
        let mut dice = Dice::new(11);
        (0..200).flat_map(|_| draw(&mut dice, LENGTH, kinds)).collect()
    }

    #[test]
    fn a_seed_is_a_plan() {
        let plan = |seed| draw(&mut Dice::new(seed), LENGTH, ALL);
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5), plan(6));
    }

    #[test]
    fn every_kind_of_fault_is_drawn_where_it_can_be_done() {
        let kinds = |kinds| {
            let kind = |planned: Planned| std::mem::discriminant(&planned.fault);
            many(kinds).into_iter().map(kind).collect::<std::collections::HashSet<_>>().len()
        };
        assert_eq!(kinds(ALL), 6);
        assert_eq!(kinds(Kinds { links: false, disks: true }), 5);
        assert_eq!(kinds(Kinds { links: false, disks: false }), 4);
    }

    #[test]
    fn faults_begin_in_the_round_and_end_later() {
        for planned in many(ALL) {
            assert!(planned.begins <= LENGTH && planned.begins < planned.ends, "{planned}");
        }
    }
}
