//! A network to which things are done, and undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use precinto_cluster_tests::{NODES, Network, VOTERS};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tokio::time::timeout;

use crate::{
    faults::{Fault, Kinds, Target},
    links::{self, Links, Rule},
    say,
    told::Book,
};

/// Two databases with their preallocated logs, the reserve, and ten rounds.
const DISK: &std::ffi::CStr = c"size=512m";

/// The least reserve that may be configured, so that little memory does for a disk.
const RESERVE: (&str, &str) = ("# reserve_mib = 256", "reserve_mib = 64");

/// What takes the room on a full disk.
const FILLER: &str = "filler";

/// How long a node may take to say who leads.
const TELLS_WITHIN: Duration = Duration::from_millis(300);

/// What harm can be done on this machine, beside that to processes and clocks.
#[derive(Clone, Default)]
pub struct Means {
    /// Links that may have faults. One network uses them at a time.
    pub links: Option<Arc<Links>>,
    /// Whether disks can be made that are small enough to be filled.
    pub disks: bool,
}

impl Means {
    /// The faults that these allow.
    pub fn kinds(&self) -> Kinds {
        Kinds { links: self.links.is_some(), disks: self.disks }
    }
}

/// A network, and what was done to it and not yet undone.
pub struct Site {
    /// The network.
    pub network: Network,
    links: Option<Arc<Links>>,
    /// Voters' data directories, where these are disks of their own.
    disks: BTreeMap<u64, PathBuf>,
    down: BTreeSet<u64>,
    frozen: BTreeSet<u64>,
    full: BTreeSet<u64>,
    /// Whose disk was full in this round.
    filled: BTreeSet<u64>,
    /// By the number of the fault.
    rules: BTreeMap<usize, Vec<Rule>>,
    targets: BTreeMap<usize, Vec<u64>>,
}

impl Site {
    /// A network with the means to harm it; its nodes are not running yet.
    pub async fn make(means: Means) -> Site {
        let Means { links, disks: small_disks } = means;
        let mut network = match &links {
            Some(_) => Network::make_at(links::address).await,
            None => Network::make().await,
        };
        if let Some(links) = &links {
            for id in NODES {
                network.run_within(id, links.command(id));
            }
        }
        let mut disks = BTreeMap::new();
        for id in VOTERS.into_iter().filter(|_| small_disks) {
            let node = network.node(id);
            node.configure(RESERVE.0, RESERVE.1);
            let data = node.directory().join("data");
            move_to_disk(&data);
            disks.insert(id, data);
        }
        Site {
            network,
            links,
            disks,
            down: BTreeSet::new(),
            frozen: BTreeSet::new(),
            full: BTreeSet::new(),
            filled: BTreeSet::new(),
            rules: BTreeMap::new(),
            targets: BTreeMap::new(),
        }
    }

    /// Packets that were sent so far over links that may have faults, and those that were lost.
    pub fn packets(&self) -> (u64, u64) {
        self.links.as_ref().map_or((0, 0), |links| links.packets())
    }

    /// Begins fault `number` of the round.
    pub async fn begin(&mut self, number: usize, fault: &Fault, book: &Book) {
        let targets = match fault {
            Fault::Kill(target)
            | Fault::Freeze(target)
            | Fault::Restart(target)
            | Fault::FullDisk(target)
            | Fault::ClockOff(target, _) => self.resolve(target).await,
            Fault::Links(_) => Vec::new(),
        };
        for &id in &targets {
            match fault {
                Fault::Kill(_) => self.kill(id, book),
                Fault::Freeze(_) => self.freeze(id),
                Fault::Restart(_) => self.restart(id, book).await,
                Fault::FullDisk(_) => self.fill(id).await,
                Fault::ClockOff(_, ms) => self.network.node(id).shift_clock(*ms),
                Fault::Links(_) => {}
            }
        }
        if let Fault::Links(rules) = fault {
            self.rules.insert(number, rules.clone());
            self.apply_rules();
        }
        self.targets.insert(number, targets);
    }

    /// Ends it.
    pub fn end(&mut self, number: usize, fault: &Fault) {
        for id in self.targets.remove(&number).unwrap_or_default() {
            match fault {
                Fault::Kill(_) => self.boot_if_down(id),
                Fault::Freeze(_) => self.thaw(id),
                Fault::FullDisk(_) => self.free(id),
                Fault::ClockOff(..) => self.network.node(id).shift_clock(0),
                Fault::Restart(_) | Fault::Links(_) => {}
            }
        }
        if self.rules.remove(&number).is_some() {
            self.apply_rules();
        }
    }

    /// Asserts that no node ended by itself but for want of room, and starts those that did.
    pub fn revive(&mut self, book: &Book) {
        for id in NODES {
            if self.network.runs(id) {
                continue;
            }
            assert!(self.filled.contains(&id), "node {id} ended by itself");
            say(format_args!("node {id} ended on its full disk, and starts again"));
            book.restarted(id);
            self.network.kill(id);
            self.network.boot(id);
        }
        self.filled.clear();
    }

    async fn resolve(&self, target: &Target) -> Vec<u64> {
        match target {
            Target::Nodes(nodes) => nodes.clone(),
            Target::Leader => vec![self.leader().await.unwrap_or(VOTERS[0])],
        }
    }

    async fn leader(&self) -> Option<u64> {
        for id in self.network.running() {
            let client = self.network.client(id);
            let told = timeout(TELLS_WITHIN, client.status()).await;
            if let Ok(Ok(status)) = told
                && status.leader.is_some()
            {
                return status.leader;
            }
        }
        None
    }

    fn kill(&mut self, id: u64, book: &Book) {
        book.restarted(id);
        self.network.kill(id);
        self.frozen.remove(&id);
        self.down.insert(id);
    }

    fn boot_if_down(&mut self, id: u64) {
        if self.down.remove(&id) {
            self.network.boot(id);
        }
    }

    fn freeze(&mut self, id: u64) {
        if self.network.runs(id) && self.frozen.insert(id) {
            self.network.freeze(id);
        }
    }

    fn thaw(&mut self, id: u64) {
        if self.frozen.remove(&id) {
            self.network.thaw(id);
        }
    }

    async fn restart(&mut self, id: u64, book: &Book) {
        if self.frozen.contains(&id) || !self.network.runs(id) {
            return;
        }
        book.restarted(id);
        self.network.terminate(id);
        let status = self.network.ended(id).await;
        let excused = self.filled.contains(&id);
        assert!(excused || status.success(), "node {id} was asked to end: {status}");
        self.network.boot(id);
    }

    async fn fill(&mut self, id: u64) {
        if !self.full.insert(id) {
            return;
        }
        self.filled.insert(id);
        let file = self.filler(id);
        let filled = tokio::task::spawn_blocking(move || fill(&file)).await;
        filled.expect("filling a disk does not panic");
    }

    fn free(&mut self, id: u64) {
        if self.full.remove(&id) {
            fs::remove_file(self.filler(id)).expect("the disk was filled with it");
        }
    }

    fn filler(&self, id: u64) -> PathBuf {
        self.disks[&id].join(FILLER)
    }

    fn apply_rules(&self) {
        let links = self.links.as_ref().expect("links have faults where there are links");
        links.set(self.rules.values().flatten().cloned().collect());
    }

    /// Copies what is on the voters' disks to where it outlives this process.
    fn keep_disks(&self) {
        for data in self.disks.values() {
            let _ = fs::remove_file(data.join(FILLER));
            let kept = data.with_extension("kept");
            if !copy(data, &kept) {
                say(format_args!("{} could not be kept", data.display()));
            }
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for id in NODES {
            self.network.kill(id);
        }
        if let Some(links) = &self.links {
            links.set(Vec::new());
        }
        if std::thread::panicking() {
            self.keep_disks();
        }
        for data in self.disks.values() {
            // The network's directory could not be removed otherwise; there is nobody to tell.
            let _ = unmount(data, UnmountFlags::DETACH);
        }
    }
}

/// Puts a data directory on a new disk in memory, with what it holds.
fn move_to_disk(data: &Path) {
    let before = data.with_extension("before");
    assert!(copy(data, &before), "{} is copied", data.display());
    let mounted = mount("tmpfs", data, "tmpfs", MountFlags::empty(), DISK);
    mounted.expect("file systems can be mounted here: it was tried");
    assert!(copy(&before.join("."), data), "{} is copied", before.display());
    fs::remove_dir_all(&before).expect("the directory is ours");
}

/// Whether all of it could be copied.
fn copy(from: &Path, to: &Path) -> bool {
    let copied = Command::new("cp").args(["-a", "--sparse=always"]).arg(from).arg(to).status();
    copied.is_ok_and(|status| status.success())
}

/// Writes until there is no room at all.
fn fill(file: &Path) {
    let mut file = File::create(file).expect("the disk is there");
    let bytes = vec![7; 256 * 1024];
    loop {
        match file.write_all(&bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return,
            Err(error) => panic!("filling a disk: {error}"),
        }
    }
}
