//! The Rust client against the interface, over a real socket: the shapes of both must agree.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::StreamExt;
use precinto_api::serve;
use precinto_client::{
    Client, ClientError, Consistency, EventFilter, NewCall, Retry, Signer,
    types::{
        AliasRequest, AmendRequest, Asked, BatchMode, BatchRow, BenefitQuestion, CertifyRequest,
        ChangeRequest, DecideRequest, ListFilter, NewMra, RetireRequest, Status, WrittenIdentifier,
    },
};
use precinto_protocol::{
    aeo::{
        AsOf, BenefitAnswer, BenefitReason,
        query::{FindAnswer, FoundOperator, ListPage, MraPage, PendingPage},
    },
    keys::SigningKey,
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::timeout};

use crate::{
    aeo_queries::{authorization, mra, tag},
    fake::{CHANNEL, DUPLICATE, QUEUE_FULL, TIME_MS},
    support::{AUDITOR, Api, OFFICER, SUPERVISOR, api},
};

const WAIT: Option<Duration> = Some(Duration::from_secs(1));
/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    stop: Arc<Notify>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(api: &Api, address: &str) -> Server {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(Notify::new());
        let (stopped, router) = (stop.clone(), api.router.clone());
        let running =
            tokio::spawn(async move { serve(listener, router, stopped.notified()).await });
        Server { address, stop, running }
    }

    fn client(&self, token: &str) -> Client {
        Client::new(&format!("http://{}", self.address), token).unwrap()
    }

    async fn stop(self) {
        self.stop.notify_one();
        timeout(PATIENCE, self.running).await.expect("the server ends").unwrap();
    }
}

fn request(number: &str) -> CertifyRequest {
    CertifyRequest {
        scheme: "uy-rut".into(),
        identifier: "21 403302/0011".into(),
        number: number.into(),
        types: vec!["AEOC".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        consent: true,
        publish: true,
        ..CertifyRequest::default()
    }
}

fn change() -> ChangeRequest {
    ChangeRequest {
        scheme: "uy-rut".into(),
        identifier: "214033020011".into(),
        number: "UY-1".into(),
        class: "examination".into(),
        effective: Some("2026-11-22".into()),
        ..ChangeRequest::default()
    }
}

#[tokio::test]
async fn a_signed_transaction_is_submitted_and_found() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let client = server.client(AUDITOR);
    let status = client.status().await.unwrap();
    assert_eq!((status.channel, status.as_of.time_ms), (CHANNEL, TIME_MS));
    let contracts = client.contracts().await.unwrap().contracts;
    let signer = Signer::new(SigningKey::from_seed(&[1; 32]), status.channel);
    let transaction = signer.sign(NewCall {
        contract: contracts[0].name.clone(),
        contract_version: contracts[0].version,
        method: contracts[0].methods[0].name.clone(),
        args: vec![0x80],
        nonce: [1; 16],
        expires_ms: status.as_of.time_ms + 60_000,
    });
    let accepted = client.submit(&transaction, None).await.unwrap();
    assert_eq!((accepted.id, accepted.status), (transaction.id(), Status::Pending));
    let committed = client.wait(accepted.id, PATIENCE).await.unwrap();
    assert_eq!(committed.status, Status::Committed);
    assert_eq!(committed.author, Some(signer.key_id().to_string()));
    assert_eq!(client.transaction(accepted.id).await.unwrap(), committed);
    let many = client.submit_many(vec![transaction.encode(), vec![0]], WAIT).await.unwrap();
    let many: Vec<_> = many.into_iter().map(|item| item.into_result()).collect();
    assert_eq!(many[0].as_ref().unwrap().status, Status::Committed);
    assert_eq!(many[1].as_ref().unwrap_err().code, "malformed");
    server.stop().await;
}

#[tokio::test]
async fn every_read_is_understood() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let client = server.client(AUDITOR);
    assert_eq!(client.members().await.unwrap().members[0].country, "UY");
    assert!(client.nodes().await.unwrap().nodes[0].this);
    assert_eq!(client.blocks(Some(3), Some(2)).await.unwrap().blocks[1].height, 4);
    assert_eq!(client.blocks(None, None).await.unwrap().blocks.len(), 50);
    assert_eq!(client.block(3).await.unwrap().transactions[1].status, Status::Rejected);
    assert_eq!(client.checkpoints().await.unwrap().checkpoints[0].size, 400);
    assert!(client.checkpoint().await.unwrap().starts_with("precinto/"));
    assert!(client.readiness().await.unwrap().ready);
    api.node.health.lock().unwrap().leader_known = false;
    assert!(!client.readiness().await.unwrap().leader_known);
    api.node.answer("members", &7u32);
    let answer = client.query("governance", "members", &[0x80], Consistency::Linearizable).await;
    assert_eq!(answer.unwrap().result, [7]);
    let missing = client.block(1_000).await.unwrap_err();
    assert_eq!((missing.code(), missing.retryable()), (Some("unknown-block"), false));
    let stranger = server.client("nobody").status().await.unwrap_err();
    assert_eq!(stranger.code(), Some("unauthorized"));
    server.stop().await;
}

#[tokio::test]
async fn officers_and_supervisors_command() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let client = server.client(OFFICER);
    let done = client.aeo_certify(&request("UY-1"), WAIT).await.unwrap();
    assert_eq!(done.call.unwrap().on_behalf.unwrap().role, "officer");
    let twice = client.aeo_certify(&request(DUPLICATE), WAIT).await.unwrap_err();
    let ClientError::Problem(problem) = &twice else { panic!("{twice}") };
    assert_eq!((problem.status, problem.transaction.is_some()), (409, true));
    assert_eq!(twice.retry(), Retry::Never);
    let full = client.aeo_certify(&request(QUEUE_FULL), WAIT).await.unwrap_err();
    assert_eq!(full.retry(), Retry::After(Duration::from_secs(1)));
    let amend = AmendRequest {
        scheme: "uy-rut".into(),
        identifier: "214033020011".into(),
        number: "UY-1".into(),
        types: vec!["AEOS".into()],
        roles: vec!["carrier".into()],
        ..AmendRequest::default()
    };
    client.aeo_amend(&amend, WAIT).await.unwrap();
    client.aeo_suspend(&change(), WAIT).await.unwrap();
    client.aeo_reinstate(&change(), WAIT).await.unwrap();
    client.aeo_withdraw(&change(), WAIT).await.unwrap();
    let proposal = client.aeo_revoke(&change(), WAIT).await.unwrap().id;
    client.aeo_annul(&change(), WAIT).await.unwrap();
    let decide = DecideRequest { number: "UY-1".into(), proposal };
    client.aeo_decline(&decide, WAIT).await.unwrap();
    let duns = WrittenIdentifier { scheme: "duns".into(), identifier: "150483782".into() };
    let rut = WrittenIdentifier { scheme: "uy-rut".into(), identifier: "214033020011".into() };
    let alias = AliasRequest {
        alias: duns.clone(),
        operator: rut.clone(),
        mode: "common".into(),
        publish: false,
    };
    client.aeo_declare_alias(&alias, WAIT).await.unwrap();
    client.aeo_retire_alias(&RetireRequest { alias: duns, operator: rut }, WAIT).await.unwrap();
    let supervisor = server.client(SUPERVISOR);
    supervisor.aeo_approve(&decide, WAIT).await.unwrap();
    let mra = NewMra {
        id: "uy-br".into(),
        parties: vec!["br-rfb".into(), "uy-dna".into()],
        types: vec!["AEOS".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        ..NewMra::default()
    };
    supervisor.aeo_propose_mra(&mra, WAIT).await.unwrap();
    supervisor.aeo_accept_mra("uy-br", WAIT).await.unwrap();
    supervisor.aeo_leave_mra("uy-br", Some("2027-01-01"), WAIT).await.unwrap();
    let methods: Vec<_> =
        api.node.seen().calls[3..].iter().map(|(_, call)| call.method.clone()).collect();
    let expected = "amend suspend reinstate withdraw revoke annul decline declare-alias \
                    retire-alias approve propose-mra accept-mra leave-mra";
    assert_eq!(methods.join(" "), expected);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_mixes_actions() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let client = server.client(OFFICER);
    let rows = [
        BatchRow::Certify(request("UY-2")),
        BatchRow::Certify(request("uy 3")),
        BatchRow::Suspend(change()),
    ];
    let batch = client.aeo_batch(&rows, BatchMode::SkipBad, WAIT).await.unwrap();
    assert_eq!((batch.accepted, batch.refused), (2, 1));
    let checked = client.aeo_batch(&rows, BatchMode::Check, None).await.unwrap();
    assert!(checked.results[0].is_none() && checked.results[1].is_some());
    server.stop().await;
}

#[tokio::test]
async fn every_question_about_operators_is_understood() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let client = server.client(AUDITOR);
    let as_of = AsOf { effective_ms: TIME_MS, recorded_ms: TIME_MS };
    let standing = authorization("UY-1", "2028-12-31");
    let authorizations = vec![standing.clone()];
    let operators = vec![FoundOperator { operator: tag(), via: vec![], authorizations }];
    api.node.answer("find", &FindAnswer { as_of, operators });
    let found = client.aeo_find("uy-rut", "21.403302/0011", Consistency::Local).await.unwrap();
    assert_eq!((found.identifier.as_str(), found.as_of.known_ms), ("214033020011", TIME_MS));
    let found: Vec<_> = found.authorizations().collect();
    assert_eq!(found[0].authorization.terms.roles, ["importer"]);
    api.node.answer("number", &Some(standing.clone()));
    let asked = Asked { known: Some("7".into()), ..Asked::default() };
    let known = client.aeo_number("uy-dna", "UY-1", asked).await.unwrap();
    assert_eq!((known.as_of.known_ms, &known.authorization), (7, found[0]));
    api.node.answer("history", &Vec::<u8>::new());
    let history = client.aeo_history("uy-dna", "UY-1", 0, None).await.unwrap_err();
    assert_eq!(history.code(), Some("unknown-authorization"));
    api.node.answer("aliases", &Vec::<u8>::new());
    let aliases = client.aeo_aliases("uy-rut", "214033020011", Consistency::Local).await.unwrap();
    assert!(aliases.aliases.is_empty());
    api.node.answer("list", &ListPage { as_of, items: vec![standing], next: vec![9] });
    let asked = Asked { effective: Some("2026-11-22".into()), ..Asked::default() };
    let filter = ListFilter { aeo_type: Some("AEOC".into()), asked, ..ListFilter::default() };
    let page = client.aeo_list(&filter, None, Some(1)).await.unwrap();
    let next = client.aeo_list(&filter, page.next.as_deref(), None).await.unwrap();
    assert!(next.next.is_some());
    api.node.answer("pending", &PendingPage { items: vec![], next: vec![9] });
    assert_eq!(client.aeo_pending(None, Some(1)).await.unwrap().next.as_deref(), Some("09"));
    api.node.answer("mras", &MraPage { items: vec![mra("a")], more: false });
    let mras = client.aeo_mras(Some("0"), None).await.unwrap();
    assert_eq!((mras.mras[0].proposal.id.as_str(), mras.next), ("a", None));
    api.node.answer("mra", &Some(mra("a")));
    assert_eq!(client.aeo_mra("a").await.unwrap().mra, mras.mras[0]);
    let reason = BenefitReason::UnknownOperator;
    api.node
        .answer("benefit", &BenefitAnswer { reason, since_ms: None, authorization: None, as_of });
    let question = BenefitQuestion {
        mra: "a".into(),
        partner: "br-rfb".into(),
        scheme: "uy-rut".into(),
        identifier: "214033020011".into(),
        role: "importer".into(),
        aeo_type: "AEOS".into(),
        ..BenefitQuestion::default()
    };
    let benefit = client.aeo_benefit(&question).await.unwrap();
    assert_eq!((benefit.due, benefit.reason.as_str()), (false, "unknown-operator"));
    server.stop().await;
}

#[tokio::test]
async fn events_are_followed_across_a_restart_of_the_node() {
    let before = api();
    let server = Server::start(&before, "127.0.0.1:0").await;
    let address = server.address.to_string();
    let filter = EventFilter { from: Some("0".into()), ..EventFilter::default() };
    let mut events = server.client(AUDITOR).events(filter);
    before.node.emit(121, 0, "aeo.certified");
    let first = timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((first.height, first.topic.as_str()), (121, "aeo.certified"));
    before.node.stop();
    server.stop().await;
    let after = api();
    after.node.emit(121, 0, "aeo.certified");
    after.node.emit(122, 0, "aeo.suspended");
    let (next, server) =
        tokio::join!(timeout(PATIENCE, events.next()), Server::start(&after, &address));
    let next = next.unwrap().unwrap().unwrap();
    assert_eq!((next.height, next.topic.as_str()), (122, "aeo.suspended"));
    after.node.stop();
    drop(events);
    server.stop().await;
}

#[tokio::test]
async fn a_refused_event_stream_ends_with_the_reason() {
    let api = api();
    let server = Server::start(&api, "127.0.0.1:0").await;
    let filter = EventFilter { from: Some("soon".into()), ..EventFilter::default() };
    let mut events = server.client(AUDITOR).events(filter);
    let error = timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.code(), Some("invalid-parameter"));
    assert!(events.next().await.is_none());
    server.stop().await;
}
