//! Answers peers that ask for endorsements.

use std::{sync::Arc, time::Duration};

use minicbor::bytes::ByteVec;
use precinto_execution::{Proposal, Simulation, SimulationError};
use precinto_protocol::{
    keys::SigningKey,
    transaction::{Endorsement, endorsement_digest},
};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{Present, Rules};
use crate::node::{
    halt::Halt,
    messages::{EndorseAnswer, EndorseRequest},
    metrics::Metrics,
};

/// Transactions in one request: at most as many calls run before the asker hears anything.
pub(super) const MAX_TRANSACTIONS: usize = 64;

/// Requests that are worked on at once, and collections that are begun. The engine has room for 32
/// calls; half of it is for queries, and the apply thread must never wait for a place.
pub(super) const PLACES: usize = 8;

/// How long a request waits for a place and for the block that its asker has executed already.
const READY_WITHIN: Duration = Duration::from_secs(1);

/// Code of a refusal by the member's own rules.
const REFUSED_BY_RULE: &str = "refused-by-rule";

/// Endorses with the node's identity, in the name of its member. Clones share everything.
#[derive(Clone)]
pub(in crate::node) struct Endorser {
    present: Present,
    key: Arc<SigningKey>,
    rules: Rules,
    heights: watch::Receiver<u64>,
    halt: Halt,
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Endorser {
    /// Signs with the node's identity `key` what `rules` do not refuse.
    pub(in crate::node) fn new(
        present: Present,
        (key, rules): (SigningKey, Rules),
        heights: watch::Receiver<u64>,
        halt: Halt,
        metrics: Arc<Metrics>,
    ) -> Endorser {
        let (key, places) = (Arc::new(key), Arc::new(Semaphore::new(PLACES)));
        Endorser { present, key, rules, heights, halt, places, metrics }
    }

    /// Places to simulate in, shared with the collector of this node.
    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    /// One answer per transaction, in order. `None` if this node cannot judge them now: it takes
    /// no writes, is behind the asker, or has too much to do.
    pub(in crate::node) async fn answer(
        &self,
        request: EndorseRequest,
    ) -> Option<Vec<EndorseAnswer>> {
        let EndorseRequest { height, transactions } = request;
        if self.halt.writes_stopped().is_some() || transactions.len() > MAX_TRANSACTIONS {
            return None;
        }
        let mut heights = self.heights.clone();
        let ready = timeout(READY_WITHIN, async {
            // What the asker's officer has just seen committed must be known here, too.
            heights.wait_for(|executed| *executed >= height).await.ok()?;
            self.places.clone().acquire_owned().await.ok()
        });
        let place = ready.await.ok()??;
        let endorser = self.clone();
        let work = move || {
            let _place = place;
            endorser.endorse_all(&transactions)
        };
        tokio::task::spawn_blocking(work).await.expect("endorsing does not panic")
    }

    fn endorse_all(&self, transactions: &[ByteVec]) -> Option<Vec<EndorseAnswer>> {
        let answers = self.present.simulate(|simulation, _| {
            transactions.iter().map(|bytes| self.endorse(simulation, bytes)).collect::<Option<_>>()
        });
        answers.unwrap_or_else(|error| {
            tracing::error!(%error, "the state cannot be read to endorse");
            None
        })
    }

    fn endorse(&self, simulation: &mut Simulation<'_>, bytes: &[u8]) -> Option<EndorseAnswer> {
        let answer = match simulation.run(bytes) {
            Ok(proposal) => self.decide(&proposal),
            Err(SimulationError::Fatal(error)) => {
                tracing::error!(%error, "a transaction cannot be simulated");
                return None;
            }
            Err(refused) => EndorseAnswer::refused(refused.code(), &refused.to_string()),
        };
        let what = match answer {
            EndorseAnswer::Endorsed(_) => "endorsed",
            EndorseAnswer::Refused { .. } => "refused",
        };
        self.metrics.endorsements.with_label_values(&[what]).inc();
        Some(answer)
    }

    fn decide(&self, proposal: &Proposal) -> EndorseAnswer {
        let statement = &proposal.transaction.statement;
        let call = statement.call();
        let author = &proposal.signers[0].member;
        if let Some(rule) = self.rules.refusal(&call.contract, &call.method, author) {
            let message = format!("this member does not endorse {rule}");
            return EndorseAnswer::refused(REFUSED_BY_RULE, &message);
        }
        let digest = endorsement_digest(&statement.id(), call.contract_version);
        let signature = self.key.sign(digest.as_bytes());
        tracing::debug!(id = %statement.id(), %author, method = call.method, "endorsed");
        EndorseAnswer::Endorsed(Endorsement { key_id: self.key.key_id(), signature })
    }
}
