//! What becomes of packets between nodes.

use std::{
    collections::BTreeMap,
    fmt,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::sleep};

use super::cable::Cable;
use crate::dice::Dice;

/// More than a packet of a cable, which is of 1500 bytes.
const PACKET_BYTES: usize = 2048;

/// Packets on their way at once; more are lost, as where a queue is full. Some seconds of all there is.
const ON_THE_WAY: usize = 20_000;

/// What a rule does to packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// None arrives.
    Cut,
    /// They arrive late, in another order, twice or not at all.
    Poor {
        /// How late, at least.
        delay: Duration,
        /// How much later still, at most.
        jitter: Duration,
        /// Chance that one is lost, per mille.
        lost: u64,
        /// Chance that one arrives twice, per mille.
        twice: u64,
    },
}

/// What becomes of packets from some nodes to some others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The senders.
    pub from: Vec<u64>,
    /// The receivers.
    pub to: Vec<u64>,
    /// What becomes of them.
    pub fate: Fate,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { from, to, fate } = self;
        match fate {
            Fate::Cut => write!(f, "{from:?} to {to:?} cut"),
            Fate::Poor { delay, jitter, lost, twice } => write!(
                f,
                "{from:?} to {to:?} {delay:?} late and up to {jitter:?} more, {lost} of 1000 lost, {twice} twice"
            ),
        }
    }
}

/// Joins cables, and applies rules to what passes from one to another.
pub(super) struct Switch {
    cables: BTreeMap<Ipv4Addr, Cable>,
    number: fn(Ipv4Addr) -> u64,
    rules: Mutex<Rules>,
    on_the_way: Arc<Semaphore>,
    packets: AtomicU64,
    lost: AtomicU64,
}

struct Rules {
    in_force: Vec<Rule>,
    dice: Dice,
}

impl Switch {
    /// Starts to carry packets. Rules know cables by the `number` of their address.
    pub(super) fn start(
        cables: BTreeMap<Ipv4Addr, Cable>,
        number: fn(Ipv4Addr) -> u64,
        dice: Dice,
    ) -> Arc<Switch> {
        let rules = Mutex::new(Rules { in_force: Vec::new(), dice });
        let on_the_way = Arc::new(Semaphore::new(ON_THE_WAY));
        let switch = Arc::new(Switch {
            cables,
            number,
            rules,
            on_the_way,
            packets: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        for &from in switch.cables.keys() {
            tokio::spawn(switch.clone().carry(from));
        }
        switch
    }

    /// Puts these rules in force, instead of all others.
    pub(super) fn set(&self, rules: Vec<Rule>) {
        self.rules().in_force = rules;
    }

    /// Packets that came so far, and those of them that a rule lost.
    pub(super) fn packets(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("nothing panics while it holds the rules")
    }

    async fn carry(self: Arc<Self>, from: Ipv4Addr) {
        let mut buffer = [0; PACKET_BYTES];
        while let Ok(length) = self.cables[&from].receive(&mut buffer).await {
            let packet = &buffer[..length];
            let Some(to) = destination(packet).filter(|to| self.cables.contains_key(to)) else {
                continue;
            };
            let arrivals = self.rules().arrivals((self.number)(from), (self.number)(to));
            self.packets.fetch_add(1, Ordering::Relaxed);
            self.lost.fetch_add(u64::from(arrivals.is_empty()), Ordering::Relaxed);
            for delay in arrivals {
                self.deliver(to, packet, delay);
            }
        }
    }

    fn deliver(self: &Arc<Self>, to: Ipv4Addr, packet: &[u8], delay: Duration) {
        if delay.is_zero() {
            return self.cables[&to].send(packet);
        }
        let Ok(place) = self.on_the_way.clone().try_acquire_owned() else { return };
        let (switch, packet) = (self.clone(), packet.to_vec());
        tokio::spawn(async move {
            sleep(delay).await;
            switch.cables[&to].send(&packet);
            drop(place);
        });
    }
}

impl Rules {
    /// After which times a packet arrives: never, once, or more often.
    fn arrivals(&mut self, from: u64, to: u64) -> Vec<Duration> {
        let mut arrivals = vec![Duration::ZERO];
        for rule in &self.in_force {
            if !rule.from.contains(&from) || !rule.to.contains(&to) {
                continue;
            }
            let Fate::Poor { delay, jitter, lost, twice } = rule.fate else { return Vec::new() };
            if self.dice.per_mille(twice) {
                arrivals.push(arrivals[0]);
            }
            arrivals.retain(|_| !self.dice.per_mille(lost));
            for arrival in &mut arrivals {
                *arrival += delay + self.dice.millis(0..=jitter.as_millis() as u64);
            }
            if arrivals.is_empty() {
                break;
            }
        }
        arrivals
    }
}

/// Where an IPv4 packet goes (RFC 791 section 3.1); `None` for anything else.
fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let address: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    (packet[0] >> 4 == 4).then(|| address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(in_force: Vec<Rule>) -> Rules {
        Rules { in_force, dice: Dice::new(3) }
    }

    fn rule(from: u64, to: u64, fate: Fate) -> Rule {
        Rule { from: vec![from], to: vec![to], fate }
    }

    #[test]
    fn a_cut_is_of_one_direction_and_beats_every_other_rule() {
        let delay = Duration::from_millis(5);
        let poor = Fate::Poor { delay, jitter: Duration::ZERO, lost: 0, twice: 0 };
        let mut rules = rules(vec![rule(1, 2, poor), rule(1, 2, Fate::Cut), rule(2, 1, poor)]);
        assert_eq!(rules.arrivals(1, 2), []);
        assert_eq!(rules.arrivals(2, 1), [delay]);
        assert_eq!(rules.arrivals(1, 3), [Duration::ZERO]);
    }

    #[test]
    fn a_poor_link_loses_repeats_and_delays_as_often_as_it_says() {
        let (delay, jitter) = (Duration::from_millis(10), Duration::from_millis(5));
        let mut rules =
            rules(vec![rule(1, 2, Fate::Poor { delay, jitter, lost: 200, twice: 100 })]);
        let all: Vec<_> = (0..10_000).map(|_| rules.arrivals(1, 2)).collect();
        let count = |n| all.iter().filter(|arrivals| arrivals.len() == n).count();
        assert!((1_700..2_100).contains(&count(0)), "{}", count(0));
        assert!((500..800).contains(&count(2)), "{}", count(2));
        assert!(all.iter().flatten().all(|late| (delay..=delay + jitter).contains(late)));
    }

    #[test]
    fn only_whole_ipv4_headers_have_a_destination() {
        let mut packet = [0; 20];
        packet[0] = 0x45;
        packet[16..].copy_from_slice(&[10, 78, 0, 3]);
        assert_eq!(destination(&packet), Some(Ipv4Addr::new(10, 78, 0, 3)));
        assert_eq!(destination(&packet[..19]), None);
        packet[0] = 0x60;
        assert_eq!(destination(&packet), None);
        assert_eq!(destination(&[]), None);
    }
}
