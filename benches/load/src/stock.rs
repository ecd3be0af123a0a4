//! Records: those on the ledger that can be asked for, and those that are made.

use std::sync::atomic::{AtomicU64, Ordering};

use precinto_cluster_tests::{Author, Network, VOTERS, now_ms};

/// How long a transaction stays valid after it was signed: longer than any takes. The ledger remembers
/// each for so long, so that a short time lets it come to rest soon.
pub(crate) const EXPIRES_AFTER_MS: u64 = 20_000;

/// A record on the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    /// Who granted the authorization.
    pub(crate) member: String,
    /// Its number.
    pub(crate) number: String,
}

/// What the member of one voter grants.
#[derive(Debug)]
struct Lane {
    author: Author,
    /// Authorizations that were signed.
    made: AtomicU64,
    /// Of them, the first that are on the ledger for certain.
    known: AtomicU64,
}

impl Lane {
    fn identifier(&self, number: u64) -> String {
        format!("{}{number}", self.author.member.replace('-', "").to_uppercase())
    }
}

/// What all voters' members grant.
#[derive(Debug)]
pub(crate) struct Stock {
    lanes: Vec<Lane>,
}

impl Stock {
    /// Enrols an officer of each voter's member.
    pub(crate) async fn new(network: &Network) -> Stock {
        let mut lanes = Vec::new();
        for voter in VOTERS {
            let author = Author::enrol(network, voter).await;
            lanes.push(Lane { author, made: 0.into(), known: 0.into() });
        }
        Stock { lanes }
    }

    /// A new certification, signed by the officer of a voter's member, encoded.
    pub(crate) fn certification(&self, voter: u64) -> Vec<u8> {
        let lane = VOTERS.iter().position(|id| *id == voter).expect("voters alone are asked");
        let lane = &self.lanes[lane];
        let identifier = lane.identifier(lane.made.fetch_add(1, Ordering::Relaxed));
        let mut call = lane.author.certification(&lane.author.operator(&identifier));
        call.expires_ms = now_ms() + EXPIRES_AFTER_MS;
        lane.author.signer.sign(call).encode()
    }

    /// Certifications that were signed so far.
    pub(crate) fn made(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.made.load(Ordering::Relaxed)).sum()
    }

    /// From now on everything that was signed can be asked for: all of it was committed.
    pub(crate) fn all_is_known(&self) {
        for lane in &self.lanes {
            lane.known.store(lane.made.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Records that can be asked for.
    pub(crate) fn known(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.known.load(Ordering::Relaxed)).sum()
    }

    /// The record of a rank below [`Stock::known`]; ranks go round the members.
    pub(crate) fn record(&self, rank: u64) -> Record {
        let lanes = self.lanes.len() as u64;
        let lane = &self.lanes[(rank % lanes) as usize];
        let number = (rank / lanes) % lane.known.load(Ordering::Relaxed).max(1);
        // As the certification has it.
        let number = format!("T-{}", lane.identifier(number));
        Record { member: lane.author.member.clone(), number }
    }
}
