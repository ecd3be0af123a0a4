//! What anyone with an account asks about authorizations.

use axum::http::StatusCode;
use precinto_api::{Consistency, Cursor};
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, AeoType, Alias, AliasMode, AsOf, Authorization, BenefitAnswer,
        BenefitQuery, BenefitReason, Date, Mra, MraTerms, PendingAction, Period, Person,
        ReasonClass, Scheme, StandingAuthorization, SupplyChainRole, Terms, Transition, lookup_tag,
        query::{
            AliasesQuery, FindAnswer, FindQuery, FoundOperator, HistoryQuery, MraPage, NumberQuery,
            PendingPage, PendingQuery, Via,
        },
    },
    cbor,
    hash::Hash,
    identity::KeyId,
    state::RecordLogEntry,
    transaction::TransactionId,
};
use serde_json::{Value, json};

use crate::{
    fake::{LOOKUP_KEY, TIME_MS},
    support::{Api, api},
};

const RUT: &str = "214033020011";
const OPERATOR: &str = "/v1/aeo/operators/uy-rut/214033020011";

pub(crate) fn tag() -> Hash {
    lookup_tag(&LOOKUP_KEY, Scheme::UyRut, RUT)
}

pub(crate) fn authorization(number: &str, valid_until: &str) -> StandingAuthorization {
    let authorization = Authorization {
        operator: tag(),
        member: "uy-dna".into(),
        number: number.into(),
        valid_from: Date::parse("2026-01-01").unwrap(),
        terms: Terms {
            types: vec![AeoType::C],
            roles: vec![SupplyChainRole::Importer],
            valid_until: Date::parse(valid_until),
            consent: true,
            identifier: None,
            record: None,
        },
        status: AeoStatus::Valid,
        effective_ms: 1,
        recorded_ms: 2,
        terms_ms: 1,
    };
    authorization.stand(TIME_MS)
}

/// The arguments of the last query, which must be of `method`.
pub(crate) fn last<T>(api: &Api, method: &str) -> (T, Consistency)
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    let (call, consistency) = api.node.seen().queries.pop().expect("a query was made");
    assert_eq!(call.method, method);
    (cbor::decode(&call.args).unwrap(), consistency)
}

fn now() -> AsOf {
    AsOf { effective_ms: TIME_MS, recorded_ms: TIME_MS }
}

fn person() -> Person {
    Person { key_id: KeyId::of(&[1; 32]), pseudonym: Some([7; 16]) }
}

fn found(as_of: AsOf, operators: Vec<FoundOperator>) -> FindAnswer {
    FindAnswer { as_of, operators }
}

#[tokio::test]
async fn an_identifier_is_answered_with_what_it_leads_to_and_as_of_when() {
    let api = api();
    let via = vec![Via { member: "br-rfb".into(), mode: AliasMode::Receiver }];
    let authorizations =
        vec![authorization("UY-1", "2026-11-22"), authorization("UY-2", "2026-11-21")];
    let operator = FoundOperator { operator: tag(), via, authorizations };
    api.node.answer("find", &found(now(), vec![operator]));
    let path = "/v1/aeo/operators/UY-RUT/21.403302%2F0011?consistency=linearizable";
    let answer = api.get(path).await.json();
    let operator = &answer["operators"][0];
    assert_eq!(operator["via"], json!([{ "member": "br-rfb", "mode": "receiver" }]));
    let standing = |at: usize, part: &str| operator["authorizations"][at][part].clone();
    assert_eq!([standing(0, "in_force"), standing(1, "in_force")], [true, false]);
    assert_eq!([standing(0, "standing"), standing(1, "standing")], ["valid", "expired"]);
    assert_eq!(standing(0, "roles"), json!(["importer"]));
    assert_eq!((&answer["scheme"], &answer["identifier"]), (&json!("uy-rut"), &json!(RUT)));
    assert_eq!((&answer["height"], &answer["time_ms"]), (&json!(120), &json!(TIME_MS)));
    assert_eq!((&answer["effective_ms"], &answer["known_ms"]), (&json!(TIME_MS), &json!(TIME_MS)));
    assert!(answer["age_ms"].is_u64());
    let (query, consistency): (FindQuery, _) = last(&api, "find");
    assert_eq!((query.tag, query.viewer.as_deref(), query.as_of), (tag(), Some("uy-dna"), None));
    assert_eq!(consistency, Consistency::Linearizable);
}

#[tokio::test]
async fn nobody_is_an_answer_and_a_typing_error_is_a_problem() {
    let api = api();
    api.node.answer("find", &found(now(), vec![]));
    let nobody = api.get(OPERATOR).await;
    assert_eq!((nobody.status, &nobody.json()["operators"]), (StatusCode::OK, &json!([])));
    let detail = api.get("/v1/aeo/operators/uy-rut/214033020012").await;
    assert!(detail.problem(400, "invalid-parameter").contains("check digit"));
    let detail = api.get("/v1/aeo/operators/rut/214033020011").await;
    assert!(detail.problem(400, "invalid-parameter").contains("uy-rut"));
}

#[tokio::test]
async fn a_question_about_the_past_carries_both_times() {
    let api = api();
    let asked = AsOf { effective_ms: 5, recorded_ms: u64::MAX };
    api.node.answer("find", &found(asked, vec![]));
    let answer = api.get(&format!("{OPERATOR}?effective=5")).await.json();
    // Nothing is recorded after the state that was read.
    assert_eq!((&answer["effective_ms"], &answer["known_ms"]), (&json!(5), &json!(TIME_MS)));
    assert_eq!(last::<FindQuery>(&api, "find").0.as_of, Some(asked));
    api.get(&format!("{OPERATOR}?effective=2026-11-22&known=2026-11-20T00:00:00Z")).await;
    let as_of = last::<FindQuery>(&api, "find").0.as_of.unwrap();
    assert_eq!(as_of.effective_ms, TIME_MS + 86_400_000 - 1);
    assert_eq!(as_of.recorded_ms, TIME_MS - 2 * 86_400_000);
    for bad in ["effective=soon", "known=2026-13-01", "known=99999999999999999", "knwon=1"] {
        api.get(&format!("{OPERATOR}?{bad}")).await.problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn an_authorization_is_found_by_its_number() {
    let api = api();
    api.node.answer("number", &Some(authorization("UY-1", "2028-12-31")));
    let path = "/v1/aeo/numbers/uy-dna/UY-1";
    let answer = api.get(&format!("{path}?known=7")).await.json();
    assert_eq!(answer["authorization"]["number"], "UY-1");
    assert_eq!((&answer["effective_ms"], &answer["known_ms"]), (&json!(7), &json!(7)));
    let query = last::<NumberQuery>(&api, "number").0;
    assert_eq!((query.member.as_str(), query.number.as_str()), ("uy-dna", "UY-1"));
    api.node.answer("number", &None::<StandingAuthorization>);
    api.get(path).await.problem(404, "unknown-authorization");
    api.get("/v1/aeo/numbers/uy-dna/uy-1").await.problem(400, "invalid-parameter");
}

fn transition() -> Transition {
    Transition {
        action: Action::Suspend,
        effective_ms: 3,
        class: Some(ReasonClass::Examination),
        reference: "R-1".into(),
        proposed_by: None,
        by: person(),
        authorization: authorization("UY-1", "2028-12-31").authorization,
    }
}

#[tokio::test]
async fn history_tells_who_asserted_what_and_when() {
    let api = api();
    let entry = |time_ms| RecordLogEntry {
        height: 9,
        index: 0,
        time_ms,
        transaction: Hash([5; 32]),
        member: "uy-dna".into(),
        payload: cbor::encode(&transition()),
    };
    api.node.answer("history", &vec![entry(4), entry(8)]);
    api.node.answer("number", &Some(authorization("UY-1", "2028-12-31")));
    let by_operator = format!("{OPERATOR}/history?member=uy-dna&number=UY-1&from=6");
    let by_number = "/v1/aeo/numbers/uy-dna/UY-1/history?from=6";
    for path in [by_operator.as_str(), by_number] {
        let answer = api.get(path).await.json();
        assert_eq!(answer["next"], 8, "{path}");
        let entry = &answer["entries"][0];
        assert_eq!((&entry["index"], &entry["action"]), (&json!(6), &json!("suspend")));
        assert_eq!((&entry["effective_ms"], &entry["recorded_ms"]), (&json!(3), &json!(4)));
        assert_eq!(
            (&entry["class"], &entry["by"]["pseudonym"]),
            (&json!("examination"), &json!("07".repeat(16)))
        );
        assert_eq!(entry["transaction"], Hash([5; 32]).to_hex());
        let query = last::<HistoryQuery>(&api, "history").0;
        assert_eq!((query.operator, query.member.as_str(), query.from), (tag(), "uy-dna", 6));
        let known = api.get(&format!("{path}&known=7")).await.json();
        assert_eq!((known["entries"].as_array().unwrap().len(), &known["next"]), (1, &json!(7)));
    }
    let first = format!("{OPERATOR}/history?member=uy-dna&number=UY-1");
    api.get(&format!("{first}&known=3")).await.problem(404, "unknown-authorization");
    api.node.answer("history", &Vec::<RecordLogEntry>::new());
    api.get(&first).await.problem(404, "unknown-authorization");
    api.node.answer("history", &5u32);
    api.get(&first).await.problem(500, "internal");
}

fn alias() -> Alias {
    let mode = AliasMode::Common;
    let periods = vec![
        Period { from_ms: 10, until_ms: Some(20), mode },
        Period { from_ms: 30, until_ms: None, mode },
    ];
    let member = "uy-dna".into();
    Alias { alias: Hash([2; 32]), operator: tag(), member, mode, identifier: None, periods }
}

#[tokio::test]
async fn declarations_are_told_as_they_were_known() {
    let api = api();
    api.node.answer("aliases", &vec![alias()]);
    let path = format!("{OPERATOR}/aliases");
    let now = api.get(&path).await.json();
    assert_eq!(
        (&now["aliases"][0]["in_force"], &now["aliases"][0]["mode"]),
        (&json!(true), &json!("common"))
    );
    assert_eq!(last::<AliasesQuery>(&api, "aliases").0.operator, tag());
    let retired = api.get(&format!("{path}?known=25")).await.json();
    assert_eq!(retired["aliases"][0]["in_force"], false);
    assert_eq!(
        retired["aliases"][0]["periods"],
        json!([{ "from_ms": 10, "until_ms": 20, "mode": "common" }])
    );
    let open = api.get(&format!("{path}?known=15")).await.json();
    assert_eq!(open["aliases"][0]["periods"], json!([{ "from_ms": 10, "mode": "common" }]));
    let before = api.get(&format!("{path}?known=9")).await.json();
    assert_eq!(before["aliases"], json!([]));
}

fn pending(expires_ms: u64) -> PendingAction {
    PendingAction {
        operator: tag(),
        member: "uy-dna".into(),
        number: "UY-1".into(),
        action: Action::Revoke,
        effective_ms: Some(3),
        class: ReasonClass::Infringement,
        reference: String::new(),
        proposed_by: person(),
        proposal: TransactionId(Hash([4; 32])),
        proposed_ms: 5,
        expires_ms,
    }
}

#[tokio::test]
async fn what_is_pending_is_listed_for_the_nodes_member() {
    let api = api();
    let items = vec![pending(TIME_MS), pending(TIME_MS - 1)];
    api.node.answer("pending", &PendingPage { items, next: vec![1, 2] });
    let answer = api.get("/v1/aeo/pending?limit=2").await.json();
    let expired = [0, 1].map(|at| answer["pending"][at]["expired"].clone());
    assert_eq!(expired, [false, true]);
    assert_eq!(
        (&answer["next"], &answer["pending"][0]["action"]),
        (&json!("0102"), &json!("revoke"))
    );
    api.get("/v1/aeo/pending?cursor=0102").await;
    let query = last::<PendingQuery>(&api, "pending").0;
    assert_eq!((query.member.as_str(), query.after, query.limit), ("uy-dna", vec![1, 2], 50));
    api.get("/v1/aeo/pending?cursor=x").await.problem(400, "invalid-parameter");
}

pub(crate) fn mra(id: &str) -> Mra {
    Mra {
        id: id.into(),
        terms: MraTerms {
            parties: vec!["br-rfb".into(), "uy-dna".into()],
            types: vec![AeoType::S],
            roles: vec![SupplyChainRole::Importer],
            needs_consent: true,
            valid_from: Date(0),
            valid_until: None,
            activations: vec![],
            text: None,
        },
        proposed_by: "br-rfb".into(),
        acceptances: vec![],
        departures: vec![],
    }
}

#[tokio::test]
async fn arrangements_are_listed_and_shown() {
    let api = api();
    api.node.answer("mras", &MraPage { items: vec![mra("a"), mra("b")], more: true });
    let answer = api.get("/v1/aeo/mras?limit=2&cursor=0").await.json();
    assert_eq!(
        (&answer["next"], &answer["mras"][1]["parties"][0]),
        (&json!("b"), &json!("br-rfb"))
    );
    api.node.answer("mra", &Some(mra("a")));
    assert_eq!(api.get("/v1/aeo/mras/a").await.json()["mra"]["valid_from"], "1970-01-01");
    api.node.answer("mra", &None::<Mra>);
    api.get("/v1/aeo/mras/a").await.problem(404, "unknown-mra");
    api.get("/v1/aeo/mras/A").await.problem(400, "invalid-parameter");
}

const BENEFIT: &str = "/v1/aeo/benefit?mra=uy-br&partner=uy-dna&scheme=uy-rut\
                       &identifier=214033020011&role=importer&type=AEOC";

async fn benefit(api: &Api, reason: BenefitReason, parameters: &str) -> Value {
    let authorization =
        (reason >= BenefitReason::Annulled).then(|| authorization("UY-1", "2028-12-31"));
    let since_ms = (reason >= BenefitReason::Suspended).then_some(TIME_MS + 60_000);
    api.node.answer("benefit", &BenefitAnswer { reason, since_ms, authorization, as_of: now() });
    api.get(&format!("{BENEFIT}{parameters}")).await.json()
}

#[tokio::test]
async fn a_benefit_is_answered_with_a_reason_in_a_sentence() {
    let api = api();
    let due = benefit(&api, BenefitReason::Due, "&date=2026-11-22&member=br-rfb").await;
    assert_eq!((&due["due"], &due["reason"]), (&json!(true), &json!("due")));
    let text = "A benefit is due since 2026-11-22 00:01 UTC: uy-dna's authorization UY-1 is in force \
                and br-rfb recognizes it under uy-br.";
    assert_eq!(due["explanation"], text);
    let query = last::<BenefitQuery>(&api, "benefit").0;
    assert_eq!((query.tag, query.member.as_str()), (tag(), "br-rfb"));
    assert_eq!(query.as_of.unwrap().effective_ms, TIME_MS + 86_400_000 - 1);
    let mut sentences = std::collections::BTreeSet::new();
    for reason in BenefitReason::ALL {
        let answer = benefit(&api, *reason, "&member=br-rfb").await;
        let text = answer["explanation"].as_str().unwrap().to_owned();
        assert_eq!(answer["due"], *reason == BenefitReason::Due);
        assert!(text.ends_with('.') && !text.contains("  "), "{text}");
        assert!(sentences.insert(text), "{reason}: as another reason");
    }
    benefit(&api, BenefitReason::Due, "").await;
    let query = last::<BenefitQuery>(&api, "benefit").0;
    assert_eq!((query.member.as_str(), query.as_of), ("uy-dna", None));
    let bad = api.get(&BENEFIT.replace("importer", "importr")).await;
    assert!(bad.problem(400, "invalid-parameter").contains("did you mean importer"));
}

#[tokio::test]
async fn events_carry_their_payload_decoded_by_topic() {
    let api = api();
    let emit = |height, topic, payload| {
        api.node.emit_payload(Cursor { height, index: 0 }, topic, payload);
    };
    emit(121, "aeo.suspended", cbor::encode(&transition()));
    emit(122, "aeo.proposed", cbor::encode(&pending(5)));
    emit(123, "aeo.alias-declared", cbor::encode(&alias()));
    emit(124, "aeo.mra-proposed", cbor::encode(&mra("a")));
    emit(125, "aeo.of-a-later-version", vec![0x80]);
    api.node.stop();
    let answer = api.get("/v1/events?from=0").await;
    let text = String::from_utf8(answer.body).unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let decoded = ["transition", "pending", "alias", "mra"];
    for (event, part) in events.iter().zip(decoded) {
        let present: Vec<_> = decoded.iter().filter(|it| event.get(**it).is_some()).collect();
        assert_eq!(present, [&part], "{event}");
    }
    assert_eq!(events[4].get("transition"), None);
    assert_eq!(events[0]["transition"]["by"]["key_id"], person().key_id.to_string());
}
