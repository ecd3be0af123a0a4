//! What peers ask on the request lane, handed to whom it concerns.

use precinto_network::Request;
use precinto_protocol::cbor;
use tokio::sync::mpsc::Receiver;

use super::{
    clock::ClockAnswer, endorse::Endorser, messages::PeerRequest, raft::wall_clock_ms,
    submit::Submitter,
};

/// Answers requests until the network ends.
pub(super) async fn answer_requests(
    mut requests: Receiver<Request>,
    submitter: Submitter,
    endorser: Endorser,
) {
    while let Some(request) = requests.recv().await {
        let (submitter, endorser) = (submitter.clone(), endorser.clone());
        // The asker counts as no answer, and sends again if it must, what it gets no answer for.
        tokio::task::spawn_blocking(move || match cbor::decode(&request.body) {
            Ok(PeerRequest::Submit(transactions)) => {
                let answer = submitter.take_forwarded(transactions);
                let _ = request.respond.respond(cbor::encode(&answer));
            }
            Ok(PeerRequest::Clock) => {
                let answer = ClockAnswer { now_ms: wall_clock_ms() };
                let _ = request.respond.respond(cbor::encode(&answer));
            }
            Ok(PeerRequest::Endorse(asked)) => {
                tokio::spawn(async move {
                    if let Some(answers) = endorser.answer(asked).await {
                        let _ = request.respond.respond(cbor::encode(&answers));
                    }
                });
            }
            Err(error) => tracing::warn!(from = request.from, %error, "a malformed request"),
        });
    }
}
