//! One transaction's endorsements on their way: whom to ask next, and what comes of it. No I/O.

use std::fmt;

use precinto_execution::Proposal;
use precinto_protocol::{
    call::Signer,
    identity::{MemberId, NodeId},
    keys::PublicKey,
    transaction::{Endorsement, Transaction, endorsement_digest},
};

/// A node that may be asked.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub node: NodeId,
    /// Who it signs as.
    pub signer: Signer,
    /// Its identity's key.
    pub key: PublicKey,
}

/// What a node that was asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It signed.
    Endorsed(Endorsement),
    /// It does not endorse this.
    Refused { code: String, message: String },
    /// Nothing of use, for this reason.
    Nothing(String),
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask these nodes.
    Ask(Vec<NodeId>),
    /// The transaction has what its policy asks for.
    Complete(Box<Transaction>),
    /// Nobody is left whose endorsement would help. No members are named if nobody ever could.
    Failed(EndorsementFailed),
}

/// Why a transaction has not the endorsements that its policy asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy `{policy}` of {method} is not met: {}", list(.members))]
pub(in crate::node) struct EndorsementFailed {
    pub method: String,
    pub policy: String,
    /// Members that were asked and gave nothing.
    pub members: Vec<Missing>,
}

/// A member that was asked and did not endorse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::node) struct Missing {
    pub member: MemberId,
    /// Code and message of its refusal, or why there was no answer.
    pub why: Result<(String, String), String>,
}

impl EndorsementFailed {
    /// Whether it may succeed later: somebody did not answer.
    pub(in crate::node) fn retryable(&self) -> bool {
        self.members.iter().any(|missing| missing.why.is_err())
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Ok((code, message)) => write!(f, "{} refused [{code}] {message}", self.member),
            Err(reason) => write!(f, "{} did not answer ({reason})", self.member),
        }
    }
}

fn list(members: &[Missing]) -> String {
    members.iter().map(Missing::to_string).collect::<Vec<_>>().join("; ")
}

/// See the module.
pub(super) struct Collection {
    proposal: Proposal,
    given: Vec<(Signer, Endorsement)>,
    /// Not asked yet, in the order in which they are asked.
    candidates: Vec<Candidate>,
    missing: Vec<Missing>,
}

impl Collection {
    /// Completes `proposal` with endorsements of `candidates`, the first ones preferred.
    pub(super) fn new(proposal: Proposal, candidates: Vec<Candidate>) -> Collection {
        Collection { proposal, given: Vec::new(), candidates, missing: Vec::new() }
    }

    /// What to do next.
    pub(super) fn step(&self) -> Step {
        let given = self.given.iter().map(|(signer, _)| signer);
        let open = self.candidates.iter().map(|candidate| &candidate.signer);
        let pool: Vec<Signer> = given.chain(open).cloned().collect();
        let Some(chosen) = self.proposal.policy.completion(&self.proposal.signers, &pool) else {
            return Step::Failed(self.failure());
        };
        let (given, asked): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|index| *index < self.given.len());
        if !asked.is_empty() {
            let node = |index: usize| self.candidates[index - self.given.len()].node;
            return Step::Ask(asked.into_iter().map(node).collect());
        }
        let mut transaction = self.proposal.transaction.clone();
        transaction.endorsements.extend(given.into_iter().map(|index| self.given[index].1.clone()));
        transaction.endorsements.sort_by_key(|endorsement| endorsement.key_id);
        Step::Complete(Box::new(transaction))
    }

    /// The transaction as far as it is signed, for those who are asked.
    pub(super) fn transaction(&self) -> &Transaction {
        &self.proposal.transaction
    }

    /// Why it failed, if it ends here.
    pub(super) fn failure(&self) -> EndorsementFailed {
        let call = self.proposal.transaction.statement.call();
        EndorsementFailed {
            method: format!("{}.{}", call.contract, call.method),
            policy: self.proposal.policy.to_string(),
            members: self.missing.clone(),
        }
    }

    /// Takes in what `node` said; it is not asked again.
    pub(super) fn answered(&mut self, node: NodeId, answer: Answer) {
        let Some(index) = self.candidates.iter().position(|candidate| candidate.node == node)
        else {
            return;
        };
        let Candidate { signer, key, .. } = self.candidates.remove(index);
        match answer {
            Answer::Endorsed(endorsement) if self.is_valid(&endorsement, &key) => {
                self.missing.retain(|missing| missing.member != signer.member);
                self.given.push((signer, endorsement));
            }
            Answer::Endorsed(_) => self.miss(signer.member, Err("its signature is invalid".into())),
            Answer::Nothing(reason) => self.miss(signer.member, Err(reason)),
            // The member's answer: another node of it would say the same.
            Answer::Refused { code, message } => {
                self.candidates.retain(|candidate| candidate.signer.member != signer.member);
                self.miss(signer.member, Ok((code, message)));
            }
        }
    }

    fn is_valid(&self, endorsement: &Endorsement, key: &PublicKey) -> bool {
        let statement = &self.proposal.transaction.statement;
        let digest = endorsement_digest(&statement.id(), statement.call().contract_version);
        endorsement.key_id == key.key_id() && key.verify(digest.as_bytes(), &endorsement.signature)
    }

    /// Each member is named once, with the last it said.
    fn miss(&mut self, member: MemberId, why: Result<(String, String), String>) {
        self.missing.retain(|missing| missing.member != member);
        self.missing.push(Missing { member, why });
    }
}

#[cfg(test)]
mod tests;
