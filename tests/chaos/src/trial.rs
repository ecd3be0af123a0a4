//! One network and its rounds.

use std::{fs, sync::Arc, time::Duration};

use precinto_cluster_tests::{Author, NODES, eventually};
use tokio::time::{Instant, sleep_until};

use crate::{
    clients::{Desk, Office},
    dice::Dice,
    faults::{self, Kinds, Planned},
    ledger::Ledger,
    say,
    site::{Means, Site},
    told::Book,
};

/// Commits that show that clients are served.
const SOME: usize = 20;

/// How long that may take once everything is healed: elections, and nodes that catch up.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// Raft entries that nodes keep for others, in networks where a node that was away needs a snapshot.
const FEW: &str = "16";

/// What a node logs when it has caught up by one.
const SNAPSHOT_USED: &str = "a snapshot took over";

/// A network in trouble. Dropping it ends its nodes.
pub struct Trial {
    seed: u64,
    round: u64,
    kinds: Kinds,
    length: Duration,
    plan: Vec<Planned>,
    site: Site,
    desk: Desk,
    ledger: Ledger,
}

impl Trial {
    /// Makes the network of a seed. Faults begin during the first `length` of each round.
    pub async fn begin(seed: u64, means: Means, length: Duration) -> Trial {
        let mut dice = Dice::new(seed);
        let kinds = means.kinds();
        let mut site = Site::make(means).await;
        let few = dice.per_mille(500);
        if few {
            site.network.set_environment(&[("PRECINTO_KEEP_ENTRIES", FEW)]);
        }
        say(format_args!(
            "seed {seed}: a network{}",
            if few { " that keeps a short log" } else { "" }
        ));
        site.network.boot_all().await;
        let author = Author::enrol(&site.network, NODES[0]).await;
        let nodes = NODES.map(|id| (id, site.network.client(id))).into();
        let desk = Desk { nodes, author: Arc::new(author), book: Arc::new(Book::new()) };
        let (plan, ledger) = (Vec::new(), Ledger::default());
        Trial { seed, round: 0, kinds, length, plan, site, desk, ledger }
    }

    /// One round: harm, heal, check. Panics with what is wrong.
    pub async fn round(&mut self) {
        self.round += 1;
        let began = Instant::now();
        let mut dice = Dice::new(self.seed ^ (self.round << 32));
        self.plan = faults::draw(&mut dice, self.length, self.kinds);
        say(format_args!("seed {} round {}", self.seed, self.round));
        for planned in &self.plan {
            say(format_args!("  {planned}"));
        }
        let office = Office::open(self.desk.clone(), self.round, &mut dice).await;
        let clients = office.send_clients(&mut dice);
        self.harm().await;
        let healed = Instant::now();
        self.served().await;
        let recovery = healed.elapsed();
        office.settle(clients, &mut dice).await;
        office.read_all(&mut dice).await;
        let calls = self.check().await;
        self.rest(dice.per_mille(500)).await;
        let (packets, lost) = self.site.packets();
        say(format_args!(
            "  held: height {}, {} transactions acknowledged, {} snapshots, {lost} of {packets} \
             packets lost so far; {calls} operations, served {:.1} s after the last fault, {:.1} s \
             in all",
            self.ledger.height(),
            self.desk.book.acknowledged(),
            self.snapshots(),
            recovery.as_secs_f32(),
            began.elapsed().as_secs_f32(),
        ));
    }

    /// How often a node has caught up by a snapshot.
    fn snapshots(&self) -> usize {
        let used = |id| self.site.network.node(id).log().matches(SNAPSHOT_USED).count();
        NODES.into_iter().map(used).sum()
    }

    /// Does the faults of the plan, each in its time.
    async fn harm(&mut self) {
        let began = Instant::now();
        let begins = self.plan.iter().enumerate().map(|(number, it)| (it.begins, number, true));
        let ends = self.plan.iter().enumerate().map(|(number, it)| (it.ends, number, false));
        let mut steps: Vec<(Duration, usize, bool)> = begins.chain(ends).collect();
        steps.sort();
        for (at, number, begin) in steps {
            sleep_until(began + at).await;
            let fault = &self.plan[number].fault;
            match begin {
                true => self.site.begin(number, fault, &self.desk.book).await,
                false => self.site.end(number, fault),
            }
        }
        self.site.revive(&self.desk.book);
    }

    /// Waits until all nodes are ready and clients are served.
    async fn served(&mut self) {
        self.site.network.ready(&NODES).await;
        let book = &self.desk.book;
        let enough = book.committed() + SOME;
        let what = format!("{SOME} more transactions are committed");
        eventually(&what, SERVED_WITHIN, async || (book.committed() >= enough).then_some(())).await;
    }

    /// Asserts that nothing is lost, doubled, contradicted or out of order; the operations checked.
    async fn check(&mut self) -> usize {
        let (network, book) = (&self.site.network, &self.desk.book);
        self.ledger.read_on(network).await;
        book.assert_kept(self.ledger.executed());
        book.assert_linearizable()
    }

    /// Stops all nodes, in good order or not, examines their disks and starts them again.
    async fn rest(&mut self, in_order: bool) {
        for id in NODES {
            self.desk.book.restarted(id);
            match in_order {
                true => self.site.network.terminate(id),
                false => self.site.network.kill(id),
            }
        }
        for id in NODES.into_iter().filter(|_| in_order) {
            let status = self.site.network.ended(id).await;
            assert!(status.success(), "node {id} was asked to end: {status}");
        }
        for id in NODES {
            self.examine(id);
            self.site.network.boot(id);
        }
        self.site.network.ready(&NODES).await;
    }

    /// Asserts that what a stopped node has on its disk is whole.
    fn examine(&self, id: u64) {
        let network = &self.site.network;
        let mut command = network.program().command(["fsck"]);
        let examined = command.arg(network.node(id).directory()).output();
        let examined = examined.expect("the program can be started");
        let said = String::from_utf8_lossy(&examined.stdout);
        let complained = String::from_utf8_lossy(&examined.stderr);
        assert!(examined.status.success(), "node {id}'s disk: {said}{complained}");
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let history = self.site.network.root().join("history");
        // The panic has said what is wrong; that there is no history is the lesser trouble.
        let _ = fs::write(&history, self.desk.book.text());
        say(format_args!("FAILED: seed {} round {}", self.seed, self.round));
        for planned in &self.plan {
            say(format_args!("  {planned}"));
        }
        say(format_args!("history since the last check: {}", history.display()));
        say(format_args!("to repeat: make chaos ROUNDS={} SEED={}", self.round, self.seed));
    }
}
