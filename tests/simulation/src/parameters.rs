//! What a seed decides about a world.

use precinto_consensus::Margin;

use crate::random::Random;

/// Bytes of a block of one or two transactions.
const TYPICAL_BLOCK_BYTES: u64 = 1_024;

/// Microseconds in a millisecond.
pub(crate) const MS: u64 = 1_000;
/// Microseconds in a second.
pub(crate) const SECOND: u64 = 1_000 * MS;

/// The faults that a world may have in its first phase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FaultKind {
    /// A process is killed; what it wrote stays.
    Kill,
    /// A machine loses power: what was not synced may be lost.
    PowerFailure,
    /// All machines lose power at once.
    Blackout,
    /// Writes fail from a chosen one on: the process ends, wherever it is.
    WriteError,
    /// A process is away for so long that the others' logs are compacted.
    LongOutage,
    /// A process stands still and goes on.
    Pause,
    /// Links are cut between two groups, in both directions or one.
    Partition,
    /// A link holds everything for a while, then delivers it.
    Clog,
    /// A clock jumps.
    ClockJump,
    /// A node is told not to lead, or to take no entries.
    Unfit,
    /// The leader is asked to hand over.
    Transfer,
    /// Bits of what is stored flip. The node is lost and replaced.
    BitFlip,
    /// A disk is emptied. The node is lost and replaced.
    Wipe,
    /// A node is replaced although nothing is wrong with it.
    Replace,
}

impl FaultKind {
    /// Whether a voter's seat is vacant for a while after it.
    pub(crate) fn loses_a_node(self) -> bool {
        matches!(self, FaultKind::BitFlip | FaultKind::Wipe | FaultKind::Replace)
    }

    /// Its name in counts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FaultKind::Kill => "fault: kill",
            FaultKind::PowerFailure => "fault: power failure",
            FaultKind::Blackout => "fault: blackout",
            FaultKind::WriteError => "fault: write error",
            FaultKind::LongOutage => "fault: long outage",
            FaultKind::Pause => "fault: pause",
            FaultKind::Partition => "fault: partition",
            FaultKind::Clog => "fault: clogged link",
            FaultKind::ClockJump => "fault: clock jump",
            FaultKind::Unfit => "fault: unfit node",
            FaultKind::Transfer => "fault: transfer",
            FaultKind::BitFlip => "fault: bit flip",
            FaultKind::Wipe => "fault: wiped disk",
            FaultKind::Replace => "fault: replacement",
        }
    }

    /// Each with its weight against the others.
    pub(crate) const ALL: [(FaultKind, u64); 14] = [
        (FaultKind::Kill, 8),
        (FaultKind::PowerFailure, 8),
        (FaultKind::Blackout, 3),
        (FaultKind::WriteError, 5),
        (FaultKind::LongOutage, 5),
        (FaultKind::Pause, 6),
        (FaultKind::Partition, 8),
        (FaultKind::Clog, 6),
        (FaultKind::ClockJump, 4),
        (FaultKind::Unfit, 3),
        (FaultKind::Transfer, 6),
        (FaultKind::BitFlip, 2),
        (FaultKind::Wipe, 3),
        (FaultKind::Replace, 3),
    ];
}

/// See the module. Times in microseconds of virtual time, chances per mille.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Voters at the start: odd.
    pub voters: u64,
    /// Learners at the start.
    pub learners: u64,
    /// Administrations.
    pub members: u64,
    /// Clients, each with one call under way.
    pub clients: u64,
    /// Keys that calls are about; few, so that they meet.
    pub keys: u64,
    /// Length of the phase with faults.
    pub trouble: u64,
    /// Typical pause of a client between two calls.
    pub think: u64,
    /// Transactions per mille that expire soon.
    pub hasty: u64,
    /// Calls per mille that change identities.
    pub governance: u64,
    /// Entries a node keeps below its synced ledger.
    pub keep_entries: u64,
    /// How often a node syncs its ledger.
    pub sync_every: u64,
    /// Typical delay of a message.
    pub delay: u64,
    /// Messages lost.
    pub loss: u64,
    /// Messages delivered twice.
    pub duplicates: u64,
    /// Typical time of an fsync.
    pub fsync: u64,
    /// Typical time to execute an entry.
    pub execute: u64,
    /// Typical pause between two faults.
    pub fault_every: u64,
    /// The faults of this world: not all at once, so that each can dominate somewhere.
    pub faults: Vec<(FaultKind, u64)>,
}

impl Parameters {
    /// What a node keeps below its synced ledger: bytes of which large blocks have more, and small ones
    /// less.
    pub(crate) fn margin(&self) -> Margin {
        Margin { entries: self.keep_entries, bytes: self.keep_entries * TYPICAL_BLOCK_BYTES }
    }

    /// Those of a seed.
    pub(crate) fn draw(random: &mut Random) -> Parameters {
        let sizes = [1, 3, 3, 3, 3, 3, 5];
        let faults = FaultKind::ALL.into_iter().filter(|_| random.chance(500)).collect();
        Parameters {
            voters: sizes[random.below(sizes.len() as u64) as usize],
            learners: random.below(3),
            members: random.between(2, 4),
            clients: random.between(2, 8),
            keys: random.between(1, 6),
            trouble: random.between(4 * SECOND, 16 * SECOND),
            think: random.between(5 * MS, 120 * MS),
            hasty: random.below(300),
            governance: random.below(60),
            keep_entries: random.between(2, 60),
            sync_every: random.between(100 * MS, 2 * SECOND),
            delay: random.between(100, 20 * MS),
            loss: if random.chance(400) { 0 } else { random.below(150) },
            duplicates: if random.chance(400) { 0 } else { random.below(100) },
            fsync: random.between(200, 15 * MS),
            execute: random.between(100, 10 * MS),
            fault_every: random.between(100 * MS, 1_500 * MS),
            faults,
        }
    }
}
