//! From a request that writes to transactions on their way: signed, endorsed, submitted. Each step
//! passes on why an item is bad already, so that every item has one answer.

use precinto_api::{NodeError, OfficerCall, codes};
use precinto_core::{StatePort, intake::IntakeError};
use precinto_protocol::{statement::OnBehalf, transaction::TransactionId};

use super::{SharedPort, internal};
use crate::node::{clients::for_each_of, endorse::CollectError, submit::SubmitError};

impl SharedPort {
    /// Takes the good ones in.
    pub(super) async fn take_in(
        &self,
        transactions: Vec<Result<Vec<u8>, NodeError>>,
    ) -> Vec<Result<TransactionId, NodeError>> {
        let (port, count) = (self.0.clone(), transactions.len());
        let submit = move || {
            let (good, places) = good(transactions);
            let answers = port.submitter.submit_own(good).into_iter();
            fill(places, answers.map(|answer| answer.map_err(|error| refused(&error))))
        };
        for_each_of(count, submit).await
    }

    /// Completes the good ones with the endorsements that they lack.
    pub(super) async fn collect(
        &self,
        transactions: Vec<Result<Vec<u8>, NodeError>>,
    ) -> Vec<Result<Vec<u8>, NodeError>> {
        let (good, places) = good(transactions);
        let answers = self.0.collector.collect(good).await.into_iter();
        fill(places, answers.map(|answer| answer.map_err(not_endorsed)))
    }

    /// Signs for an officer.
    pub(super) async fn sign(
        &self,
        officer: OnBehalf,
        calls: Vec<OfficerCall>,
    ) -> Vec<Result<Vec<u8>, NodeError>> {
        let (port, count) = (self.0.clone(), calls.len());
        let sign = move || {
            let state = StatePort(port.ledger.view());
            calls.into_iter().map(|call| port.officers.sign(officer, call, &state)).collect()
        };
        for_each_of(count, sign).await
    }
}

/// For each item of a request, why it is bad; `Ok` stands for the next good one.
type Places = Vec<Result<(), NodeError>>;

/// The good items, and the places of all.
fn good(items: Vec<Result<Vec<u8>, NodeError>>) -> (Vec<Vec<u8>>, Places) {
    let mut good = Vec::with_capacity(items.len());
    let places = items.into_iter().map(|item| item.map(|item| good.push(item))).collect();
    (good, places)
}

/// One answer per place: why the item is bad, or the next of `answers`.
fn fill<T>(
    places: Places,
    mut answers: impl Iterator<Item = Result<T, NodeError>>,
) -> Vec<Result<T, NodeError>> {
    let fill = |place: Result<(), NodeError>| {
        place.and_then(|()| answers.next().expect("one answer per good item"))
    };
    places.into_iter().map(fill).collect()
}

fn not_endorsed(error: CollectError) -> NodeError {
    let message = error.to_string();
    match error {
        CollectError::Rejected { code, .. } => NodeError::new(code, message),
        CollectError::Unavailable(_) => internal(&anyhow::Error::new(error)),
        CollectError::Failed(failed) => NodeError {
            retryable: failed.retryable(),
            ..NodeError::new(codes::ENDORSEMENT_FAILED, message)
        },
    }
}

fn refused(error: &SubmitError) -> NodeError {
    let refused = NodeError::new(error.code(), error.to_string());
    match error {
        SubmitError::Refused(IntakeError::Refused(reason)) => {
            NodeError { hint: Some(reason.hint().to_owned()), ..refused }
        }
        SubmitError::Refused(IntakeError::BeforeSnapshot) => NodeError {
            hint: Some("ask a node that has every block for its status".into()),
            ..refused
        },
        SubmitError::Refused(IntakeError::Unreadable(_)) => {
            NodeError { hint: Some("try again, or ask another node".into()), ..refused }
        }
        SubmitError::Refused(
            IntakeError::ExpiredByClock | IntakeError::Busy | IntakeError::OverBudget(_),
        )
        | SubmitError::Stopped(_) => refused.retryable(),
    }
}
