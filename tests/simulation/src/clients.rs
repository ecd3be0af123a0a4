//! Clients: each has one call under way, repeats it elsewhere with the same id when no answer comes,
//! and keeps what it was told for the checkers.

use minicbor::bytes::ByteVec;
use precinto_checkers::linear::{GrowingCall, Interval, RegisterCall};
use precinto_protocol::{
    cbor,
    governance::{CONTRACT, Enrol, Revoke, key_possession},
    identity::{NodeId, Role},
    keys::SigningKey,
    statement::{Call, Statement},
    transaction::{Transaction, TransactionId},
};

use crate::{
    channel::{END_MS, KeyUse, PROBE, key, member_id},
    event::{Answer, Ask, ClientStep, Event, Request, Say},
    history::Told,
    parameters::{MS, SECOND},
    stage::Stage,
};

/// How often a client asks for a status before it gives up, in trouble.
const PATIENCE: u64 = 40;

/// Calls that each client makes once everything works: a write, then a read.
const LAST_CALLS: u64 = 2;

/// The step of somebody who waits for no answer.
pub(crate) fn nobody() -> ClientStep {
    ClientStep { client: usize::MAX, call: 0, attempt: 0 }
}

/// A signed call of a contract's method; `hasty` ones expire soon.
pub(crate) fn call(
    stage: &mut Stage,
    (contract, method, args): (&str, &str, Vec<u8>),
    author: &SigningKey,
    hasty: bool,
) -> Transaction {
    let lifetime_ms = if hasty { stage.random.between(50, 3_000) } else { 120_000 };
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&stage.random.next().to_be_bytes());
    let call = Call {
        channel: stage.channel.origin.channel,
        contract: contract.into(),
        contract_version: 1,
        method: method.into(),
        args,
        nonce,
        expires_ms: stage.wall_ms() + lifetime_ms,
        on_behalf: None,
    };
    Transaction::new(Statement::sign(call, author))
}

/// What a transaction is for.
enum Purpose {
    /// Sets a key to a value that is written once.
    Set(Vec<u8>),
    /// Appends to a log.
    Append,
    /// Anything whose effect is not read.
    Other,
    /// Enrols this officer of this member.
    Enrol(u64, u64),
}

/// What a client is doing.
enum Doing {
    Transaction { id: TransactionId, bytes: Vec<u8>, purpose: Purpose, key: Vec<u8> },
    Read { method: &'static str, key: Vec<u8>, linearizable: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for the answer to a submission or a read.
    Submitted,
    /// Waits before it asks for the status.
    Waiting,
    /// Waits for the status.
    Asked,
}

struct UnderWay {
    doing: Doing,
    invoked: u64,
    node: NodeId,
    phase: Phase,
    /// Whether some node may have taken the transaction.
    uncertain: bool,
    /// Whether some node refused it since: its time may be over, without anybody knowing its end.
    refused: bool,
    asked: u64,
}

#[derive(Default)]
struct Client {
    step: Option<ClientStep>,
    under_way: Option<UnderWay>,
    last_calls: u64,
}

/// All clients.
pub(crate) struct Clients {
    clients: Vec<Client>,
    /// Who may sign: member and number of the officer.
    officers: Vec<(u64, u64)>,
    next_officer: u64,
    values: u64,
}

impl Clients {
    /// As many as the parameters say; they begin at different moments.
    pub(crate) fn new(stage: &mut Stage) -> Clients {
        let members = stage.parameters.members;
        let count = stage.parameters.clients as usize;
        let mut clients = Clients {
            clients: (0..count).map(|_| Client::default()).collect(),
            officers: (1..=members).map(|number| (number, number)).collect(),
            next_officer: members + 1,
            values: 0,
        };
        for client in 0..count {
            clients.rest(client, stage);
        }
        clients
    }

    /// What the first of those that are not done waits for.
    pub(crate) fn waiting(&self) -> Option<String> {
        let waits = |client: &&Client| client.under_way.is_some() || client.last_calls < LAST_CALLS;
        let client = self.clients.iter().find(waits)?;
        let calls = client.last_calls;
        Some(match &client.under_way {
            None => format!("{:?} waits for its next call, {calls} last calls", client.step),
            Some(it) => {
                format!("{:?} waits for node {} since {}", client.step, it.node, it.invoked)
            }
        })
    }

    /// What clients still wait for ends without an answer.
    pub(crate) fn give_up(&mut self, stage: &mut Stage) {
        for client in 0..self.clients.len() {
            self.finish(client, None, stage);
        }
    }

    fn rest(&mut self, client: usize, stage: &mut Stage) {
        let calls = self.clients[client].step.map_or(0, |step| step.call);
        let step = ClientStep { client, call: calls + 1, attempt: 0 };
        self.clients[client].step = Some(step);
        let think = stage.random.around(stage.parameters.think);
        stage.after(think.min(5 * SECOND), Event::Client(step));
    }

    /// Moves to the next attempt, after which it acts in `delay` unless an answer comes.
    fn next_step(&mut self, client: usize, delay: u64, stage: &mut Stage) -> ClientStep {
        let step = self.clients[client].step.as_mut().expect("it began");
        step.attempt += 1;
        stage.after(delay, Event::Client(*step));
        *step
    }

    /// A client does the next thing, if `step` is where it is.
    pub(crate) fn act(&mut self, step: ClientStep, nodes: &[NodeId], stage: &mut Stage) {
        let client = step.client;
        if self.clients[client].step != Some(step) {
            return;
        }
        let Some(under_way) = &mut self.clients[client].under_way else {
            return self.begin(client, nodes, stage);
        };
        let elsewhere = stage.random.pick(nodes).copied().unwrap_or(under_way.node);
        match (&under_way.doing, under_way.phase) {
            (Doing::Read { .. }, _) => self.finish(client, None, stage),
            (Doing::Transaction { id, .. }, Phase::Waiting) => {
                let node = if stage.random.chance(250) { elsewhere } else { under_way.node };
                under_way.phase = Phase::Asked;
                under_way.asked += 1;
                let id = *id;
                if under_way.asked > PATIENCE && (!stage.calm || under_way.refused) {
                    return self.finish(client, None, stage);
                }
                self.ask((client, node), Ask::Status(id), stage);
            }
            (Doing::Transaction { .. }, Phase::Submitted | Phase::Asked) => {
                self.submit(client, elsewhere, stage);
            }
        }
    }

    fn begin(&mut self, client: usize, nodes: &[NodeId], stage: &mut Stage) {
        let Some(node) = stage.random.pick(nodes).copied() else {
            return self.rest(client, stage);
        };
        let last_calls = self.clients[client].last_calls;
        let doing = match (stage.calm, last_calls) {
            (true, LAST_CALLS) => return,
            (true, 0) => self.transaction(0, stage),
            (true, _) => self.read(true, stage),
            (false, _) => match stage.random.below(1_000) {
                0..500 => {
                    let kind = stage.random.below(1_000);
                    self.transaction(kind, stage)
                }
                500..850 => self.read(true, stage),
                _ => self.read(false, stage),
            },
        };
        if stage.calm {
            self.clients[client].last_calls += 1;
        }
        let read = match &doing {
            Doing::Read { method, key, linearizable } => {
                Some(Ask::Read { method, key: key.clone(), linearizable: *linearizable })
            }
            Doing::Transaction { .. } => None,
        };
        self.clients[client].under_way = Some(UnderWay {
            doing,
            invoked: stage.now,
            node,
            phase: Phase::Submitted,
            uncertain: false,
            refused: false,
            asked: 0,
        });
        match read {
            Some(ask) => self.ask((client, node), ask, stage),
            None => self.submit(client, node, stage),
        }
    }

    /// A transaction of a kind from 0 to 999.
    fn transaction(&mut self, kind: u64, stage: &mut Stage) -> Doing {
        let governance = stage.parameters.governance;
        if kind >= 1_000 - governance {
            return self.change_identities(stage);
        }
        let number = stage.random.below(stage.parameters.keys);
        let register = format!("r{number}").into_bytes();
        let (method, purpose, key) = match kind {
            0..550 => {
                self.values += 1;
                let value = self.values.to_be_bytes().to_vec();
                ("set", Purpose::Set(value), register)
            }
            550..900 => ("append", Purpose::Append, format!("l{number}").into_bytes()),
            _ => ("set-then-reject", Purpose::Other, register),
        };
        let bytes = |bytes: &[u8]| ByteVec::from(bytes.to_vec());
        let args = match &purpose {
            Purpose::Set(value) => cbor::encode(&(bytes(&key), bytes(value))),
            Purpose::Append => cbor::encode(&(bytes(&key), bytes(b"entry"))),
            _ => cbor::encode(&(bytes(&key),)),
        };
        let (_, officer) = *stage.random.pick(&self.officers).expect("one is left");
        let hasty = !stage.calm && stage.random.chance(stage.parameters.hasty);
        let author = crate::channel::key(KeyUse::Officer, officer);
        let transaction = call(stage, (PROBE, method, args), &author, hasty);
        Doing::Transaction { id: transaction.id(), bytes: transaction.encode(), purpose, key }
    }

    /// Enrols an officer, or revokes one, who may go on trying.
    fn change_identities(&mut self, stage: &mut Stage) -> Doing {
        let at = stage.random.below(self.officers.len() as u64) as usize;
        let (member, officer) = self.officers[at];
        let (method, args, purpose) = if self.officers.len() > 2 && stage.random.chance(500) {
            if stage.random.chance(700) {
                self.officers.remove(at);
            }
            let key_id = key(KeyUse::Officer, officer).key_id();
            ("revoke", cbor::encode(&Revoke { key_id, reason: "left".into() }), Purpose::Other)
        } else {
            let (new, id) = (self.next_officer, member_id(member));
            self.next_officer += 1;
            let officer = key(KeyUse::Officer, new);
            let public_key = officer.public().to_bytes();
            let message = key_possession(&stage.channel.origin.channel, &id, &public_key);
            let enrol = Enrol {
                public_key,
                roles: vec![Role::Officer],
                valid_from_ms: 0,
                valid_until_ms: END_MS,
                possession: officer.sign(message.as_bytes()),
            };
            ("enrol", cbor::encode(&enrol), Purpose::Enrol(member, new))
        };
        stage.count("identity changes asked");
        let admin = key(KeyUse::Admin, member);
        let transaction = call(stage, (CONTRACT, method, args), &admin, false);
        let (id, bytes) = (transaction.id(), transaction.encode());
        Doing::Transaction { id, bytes, purpose, key: Vec::new() }
    }

    fn read(&mut self, linearizable: bool, stage: &mut Stage) -> Doing {
        let number = stage.random.below(stage.parameters.keys);
        let (method, key) = match stage.random.chance(600) {
            true => ("get", format!("r{number}")),
            false => ("len", format!("l{number}")),
        };
        Doing::Read { method, key: key.into_bytes(), linearizable }
    }

    /// Submits what is under way; now and then to two nodes at once.
    fn submit(&mut self, client: usize, node: NodeId, stage: &mut Stage) {
        let Some(under_way) = &mut self.clients[client].under_way else { return };
        let Doing::Transaction { bytes, .. } = &under_way.doing else { return };
        let ask = Ask::Submit(bytes.clone());
        under_way.uncertain |= under_way.asked > 0;
        under_way.asked += 1;
        under_way.phase = Phase::Submitted;
        if stage.random.chance(100) {
            under_way.uncertain = true;
            let request = Request { step: nobody(), ask: ask.clone() };
            let delay = stage.random.around(MS);
            stage.after(delay, Event::Request(under_way.node, request));
        }
        under_way.node = node;
        self.ask((client, node), ask, stage);
    }

    fn ask(&mut self, (client, node): (usize, NodeId), ask: Ask, stage: &mut Stage) {
        let patience = stage.random.between(200 * MS, 2 * SECOND);
        let step = self.next_step(client, patience, stage);
        let delay = stage.random.around(500);
        stage.after(delay, Event::Request(node, Request { step, ask }));
    }

    /// A node answers.
    pub(crate) fn hear(&mut self, answer: Answer, stage: &mut Stage) {
        let Answer { step, say } = answer;
        let Some(client) = self.clients.get_mut(step.client) else { return };
        let Some(under_way) = client.under_way.as_mut().filter(|_| client.step == Some(step))
        else {
            return;
        };
        match say {
            Say::Refused if !under_way.uncertain && under_way.asked <= 1 => {
                stage.count("submissions refused");
                client.under_way = None;
                self.again_or_rest(step.client, stage);
            }
            Say::Status(told @ (Told::Executed(_) | Told::Expired), result) => {
                self.finish(step.client, Some((told, result)), stage);
            }
            Say::Value(value) => self.finish_read(step.client, &value, stage),
            Say::Unavailable if matches!(under_way.doing, Doing::Read { .. }) => {
                self.finish(step.client, None, stage);
            }
            Say::Status(Told::Unknown, _) if stage.random.chance(500) => {
                under_way.phase = Phase::Submitted;
                self.next_step(step.client, 10 * MS, stage);
            }
            Say::Accepted | Say::Refused | Say::Status(..) | Say::Unavailable => {
                under_way.refused |= matches!(say, Say::Refused);
                under_way.phase = Phase::Waiting;
                let delay = stage.random.around(25 * MS).min(SECOND);
                self.next_step(step.client, delay, stage);
            }
        }
    }

    /// A last call that came to nothing is made once more.
    fn again_or_rest(&mut self, client: usize, stage: &mut Stage) {
        if stage.calm {
            let last_calls = &mut self.clients[client].last_calls;
            *last_calls = last_calls.saturating_sub(1);
        }
        self.rest(client, stage);
    }

    fn finish_read(&mut self, client: usize, value: &[u8], stage: &mut Stage) {
        let Some(under_way) = self.clients[client].under_way.take() else { return };
        let UnderWay { doing: Doing::Read { method, key, linearizable }, invoked, .. } = under_way
        else {
            return;
        };
        let returned = Some(stage.now);
        if linearizable && method == "get" {
            let read: Option<ByteVec> = cbor::decode(value).unwrap_or_default();
            let call = RegisterCall::Read(read.map(Vec::from));
            stage.watch.history.register(&key, Interval { invoked, returned, call });
        } else if linearizable {
            let length: u64 = cbor::decode(value).unwrap_or_default();
            let call = GrowingCall::Length(length);
            stage.watch.history.log(&key, Interval { invoked, returned, call });
        }
        self.rest(client, stage);
    }

    /// What is under way ends with a final status, or without one.
    fn finish(&mut self, client: usize, told: Option<(Told, Vec<u8>)>, stage: &mut Stage) {
        let Some(under_way) = self.clients[client].under_way.take() else { return };
        let UnderWay { doing, invoked, .. } = under_way;
        let Doing::Transaction { purpose, key, .. } = doing else {
            return self.again_or_rest(client, stage);
        };
        let committed = match &told {
            None => None,
            Some((Told::Executed(execution), result)) if execution.rejected.is_none() => {
                Some(cbor::decode::<u64>(result).ok())
            }
            Some(_) => {
                stage.count("transactions that came to nothing");
                return self.rest(client, stage);
            }
        };
        let returned = committed.map(|_| stage.now);
        match purpose {
            Purpose::Set(value) => {
                let call = RegisterCall::Write(Some(value));
                stage.watch.history.register(&key, Interval { invoked, returned, call });
            }
            Purpose::Append => {
                let call = GrowingCall::Append(committed.flatten());
                stage.watch.history.log(&key, Interval { invoked, returned, call });
            }
            Purpose::Enrol(member, officer) if committed.is_some() => {
                self.officers.push((member, officer));
            }
            Purpose::Enrol(..) | Purpose::Other => {}
        }
        stage.count(if returned.is_some() { "transactions committed" } else { "given up" });
        self.rest(client, stage);
    }
}
