//! Clients and peers: submissions, forwarding, status, reads.

use std::collections::VecDeque;

use minicbor::bytes::ByteVec;
use precinto_consensus::{Input, ReadOutcome};
use precinto_core::{
    Found, StatePort, find,
    intake::{Batch, Due, ForwardAnswer, Route},
};
use precinto_execution::{Query, QueryAt};
use precinto_protocol::{cbor, identity::NodeId, transaction::TransactionId};

use super::Process;
use crate::{
    channel::PROBE,
    event::{Answer, Ask, Body, ClientStep, Event, Request, Say, Wake},
    history::Told,
    parameters::SECOND,
    stage::{Stage, Step},
    watch::told,
};

/// How long the leader may take to answer a forwarded submission, as in a node.
const FORWARD_WITHIN: u64 = 2 * SECOND;

/// A read that waits until it may be answered.
pub(crate) struct ReadFor {
    step: ClientStep,
    method: &'static str,
    key: Vec<u8>,
}

/// Transactions on their way to the leader.
pub(crate) struct Forward {
    leader: NodeId,
    ids: Vec<TransactionId>,
    /// Requests that follow, in order.
    rest: VecDeque<Batch>,
}

impl Process {
    /// A client's request arrives.
    ///
    /// # Errors
    /// See [`crate::stage::Stop`].
    pub(crate) fn request(&mut self, request: Request, stage: &mut Stage) -> Step {
        let Request { step, ask } = request;
        let say = match ask {
            Ask::Submit(bytes) => {
                let now = self.now(stage);
                let answer = self.intake.accept(vec![bytes], now).pop();
                self.route(Due::New, stage);
                let answer = answer.expect("one answer for one transaction");
                if answer.is_ok() { Say::Accepted } else { Say::Refused }
            }
            Ask::Status(id) => self.transaction(id, stage)?,
            Ask::Read { method, key, linearizable: false } => {
                self.query(&ReadFor { step, method, key }, Some(stage))?
            }
            Ask::Read { method, key, linearizable: true } => {
                let read = self.number();
                stage.watch.raft.read_asked(self.host.node, read);
                self.reads.insert(read, ReadFor { step, method, key });
                self.feed(Input::Read(read), stage);
                return Ok(());
            }
        };
        self.answer(step, say, stage);
        Ok(())
    }

    fn answer(&self, step: ClientStep, say: Say, stage: &mut Stage) {
        let delay = stage.random.around(500);
        stage.after(delay, Event::Answer(Answer { step, say }));
    }

    fn transaction(&self, id: TransactionId, stage: &mut Stage) -> Step<Say> {
        let Ok(look) = find(&self.pending, &self.ledger, &[id]) else {
            return Ok(Say::Unavailable);
        };
        let (status, result) = match &look.all[0] {
            Found::Unknown => (Told::Unknown, Vec::new()),
            Found::Pending => (Told::Pending, Vec::new()),
            Found::Expired => (Told::Expired, Vec::new()),
            Found::Finished(outcome) => match told(&outcome.bytes) {
                Ok(told) => told,
                Err(_) => return Ok(Say::Unavailable),
            },
        };
        stage.watch.client.status(self.host.node, id, &status)?;
        Ok(Say::Status(status, result))
    }

    pub(super) fn read_ready(&mut self, outcome: ReadOutcome, stage: &mut Stage) {
        let Some(read) = self.reads.remove(&outcome.read) else { return };
        let say = if outcome.ready { self.value(&read) } else { None };
        stage.count(if say.is_some() { "reads answered" } else { "reads refused" });
        self.answer(read.step, say.map_or(Say::Unavailable, |(value, _)| Say::Value(value)), stage);
    }

    /// A local read, which also tells the height it is of.
    fn query(&self, read: &ReadFor, stage: Option<&mut Stage>) -> Step<Say> {
        let Some((value, height)) = self.value(read) else { return Ok(Say::Unavailable) };
        if let Some(stage) = stage {
            stage.watch.client.local_read(self.host.node, height)?;
        }
        Ok(Say::Value(value))
    }

    fn value(&self, read: &ReadFor) -> Option<(Vec<u8>, u64)> {
        let view = self.ledger.view();
        let block = view.head().ok()??.block;
        let args = cbor::encode(&(ByteVec::from(read.key.clone()),));
        let query = Query { contract: PROBE.into(), method: read.method.into(), args };
        let at = QueryAt { height: block.height, time_ms: block.time_ms };
        let value = self.queries.query(query, &StatePort(view), at).ok()?;
        Some((value, block.height))
    }

    pub(super) fn resend(&mut self, stage: &mut Stage) {
        self.route(Due::All, stage);
    }

    fn route(&mut self, due: Due, stage: &mut Stage) {
        let now = self.now(stage);
        match self.intake.route(&self.replica.status(), due, now) {
            Route::Stay => {}
            Route::Queue(batch) => {
                for (_, bytes) in batch {
                    self.feed(Input::Submit(bytes), stage);
                }
            }
            Route::Forward { leader, requests } => self.forward(leader, requests.into(), stage),
        }
    }

    /// One request after the other, so that they arrive in order.
    fn forward(&mut self, leader: NodeId, mut requests: VecDeque<Batch>, stage: &mut Stage) {
        let Some(batch) = requests.pop_front() else { return };
        let (ids, items): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let number = self.number();
        self.forwards.insert(number, Forward { leader, ids, rest: requests });
        stage.count("requests forwarded");
        stage.send(self.host.node, leader, Body::Forward(number, items));
        self.wake(FORWARD_WITHIN, Wake::GiveUp(number), stage);
    }

    pub(super) fn take_forwarded(
        &mut self,
        (from, number): (NodeId, u64),
        items: Vec<Vec<u8>>,
        stage: &mut Stage,
    ) {
        let now = self.now(stage);
        let answer = self.intake.take_forwarded(items, &self.replica.status(), now);
        self.route(Due::New, stage);
        stage.send(self.host.node, from, Body::Forwarded(number, answer));
    }

    pub(super) fn forwarded(
        &mut self,
        number: u64,
        answer: Option<ForwardAnswer>,
        stage: &mut Stage,
    ) {
        let Some(Forward { leader, ids, rest }) = self.forwards.remove(&number) else { return };
        let now = self.now(stage);
        self.intake.forwarded(&ids, answer, now);
        self.forward(leader, rest, stage);
    }

    pub(super) fn give_up(&mut self, number: u64, stage: &mut Stage) -> Step {
        self.forwarded(number, None, stage);
        self.chunk_is_late(number, stage)
    }
}
