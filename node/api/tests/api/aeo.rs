use axum::http::StatusCode;
use precinto_api::Consistency;
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, AeoType, Authorization, AuthorizationPage, Certify, ChangeStatus, Date,
        HistoryQuery, ListQuery, OperatorQuery, PublicIdentifier, Transition, lookup_tag,
    },
    cbor,
    hash::Hash,
    identity::Role,
    state::RecordLogEntry,
};
use serde_json::{Value, json};

use crate::{
    fake::{DUPLICATE, LOOKUP_KEY, NEVER_FINAL, QUEUE_FULL, TIME_MS},
    support::{Api, api},
};

const PATH: &str = "/v1/aeo/authorizations";
const WAIT: &str = "?wait=committed";

fn row(number: &str) -> Value {
    json!({
        "scheme": "RUT", "identifier": "21-123456.0018", "number": number,
        "types": ["AEOS", "AEOC"], "valid_from": "2026-01-01", "valid_until": "2028-12-31",
    })
}

fn tag() -> Hash {
    lookup_tag(&LOOKUP_KEY, "rut", "211234560018")
}

fn authorization(status: AeoStatus, valid_until: &str) -> Authorization {
    Authorization {
        operator: tag(),
        member: "uy-dna".into(),
        number: "UY-1".into(),
        types: vec![AeoType::C],
        valid_from: Date::parse("2026-01-01").unwrap(),
        valid_until: Date::parse(valid_until).unwrap(),
        status,
        identifier: None,
    }
}

#[tokio::test]
async fn certify_signs_for_the_officer_with_normalized_arguments() {
    let api = api();
    let mut form = row("UY-1");
    form["publish"] = json!(true);
    let answer = api.post(&format!("{PATH}{WAIT}"), form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["status"], "committed");
    let (officer, call) = api.node.seen().calls[0].clone();
    assert_eq!(officer.role, Role::Officer);
    assert_eq!((call.contract.as_str(), call.method.as_str()), ("aeo", "certify"));
    let args: Certify = cbor::decode(&call.args).unwrap();
    let identifier = PublicIdentifier { scheme: "rut".into(), value: "211234560018".into() };
    assert_eq!(args.operator, tag());
    assert_eq!(args.types, [AeoType::C, AeoType::S]);
    assert_eq!(args.valid_until.to_string(), "2028-12-31");
    assert_eq!(args.identifier, Some(identifier));
    assert!(answer.json()["call"]["on_behalf"]["pseudonym"] == hex::encode(officer.pseudonym));
}

#[tokio::test]
async fn an_unpublished_identifier_never_leaves_the_node() {
    let api = api();
    api.post(PATH, row("UY-1")).await;
    let (_, call) = api.node.seen().calls[0].clone();
    assert_eq!(cbor::decode::<Certify>(&call.args).unwrap().identifier, None);
}

#[tokio::test]
async fn a_refused_command_is_a_problem_and_an_unfinished_one_is_accepted() {
    let api = api();
    let refused = api.post(&format!("{PATH}{WAIT}"), row(DUPLICATE)).await;
    assert_eq!(refused.problem(409, "already-exists"), "number used before");
    assert_eq!(refused.json()["transaction"].as_str().map(str::len), Some(64));
    let unfinished = api.post(&format!("{PATH}{WAIT}"), row(NEVER_FINAL)).await;
    assert_eq!(unfinished.status, StatusCode::ACCEPTED);
    assert_eq!(unfinished.json()["status"], "pending");
    let not_waited_for = api.post(PATH, row(DUPLICATE)).await;
    assert_eq!(not_waited_for.status, StatusCode::ACCEPTED);
    let full = api.post(PATH, row(QUEUE_FULL)).await;
    full.problem(503, "queue-full");
    assert_eq!(full.json()["retryable"], true);
}

#[tokio::test]
async fn mistakes_in_a_form_are_named_before_anything_is_signed() {
    let api = api();
    for (field, value) in [
        ("valid_from", json!("2026-02-29")),
        ("valid_until", json!("31/12/2028")),
        ("valid_until", json!("2025-12-31")),
        ("number", json!("uy-1")),
        ("number", json!("A".repeat(25))),
        ("types", json!([])),
        ("types", json!(["AEOF"])),
        ("scheme", json!("r_t")),
        ("identifier", json!("--")),
        ("identifier", json!("ñ")),
    ] {
        let mut form = row("UY-1");
        form[field] = value.clone();
        let detail = api.post(PATH, form).await.problem(400, "invalid-field");
        assert!(detail.starts_with(field), "{field} {value}: {detail}");
    }
    assert!(api.node.seen().calls.is_empty());
}

#[tokio::test]
async fn a_change_of_status_calls_its_method() {
    let api = api();
    for method in ["suspend", "reinstate", "revoke"] {
        let form = json!({ "scheme": "rut", "identifier": "211234560018", "number": "UY-1",
            "reason": "financial-solvency", "effective_ms": 5 });
        let answer = api.post(&format!("{PATH}/{method}{WAIT}"), form.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        let (_, call) = api.node.seen().calls.pop().unwrap();
        assert_eq!(call.method, method);
        let args: ChangeStatus = cbor::decode(&call.args).unwrap();
        assert_eq!((args.operator, args.effective_ms), (tag(), 5));
        let mut bad = form;
        bad["reason"] = json!("Because!");
        let detail = api.post(&format!("{PATH}/{method}"), bad).await.problem(400, "invalid-field");
        assert!(detail.starts_with("reason"), "{detail}");
    }
}

async fn batch(api: &Api, mode: &str) -> Value {
    let mut bad = row("UY-2");
    bad["valid_from"] = json!("soon");
    let rows = json!([row("UY-1"), bad, row(DUPLICATE), row(QUEUE_FULL)]);
    let form = json!({ "rows": rows, "mode": mode });
    let answer = api.post(&format!("{PATH}/batch{WAIT}"), form).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

#[tokio::test]
async fn a_batch_answers_row_by_row() {
    let api = api();
    let answer = batch(&api, "skip-bad").await;
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(1), &json!(3)));
    assert_eq!(answer["results"][0]["status"], "committed");
    let codes = [1, 2, 3].map(|row| answer["results"][row]["error"]["code"].clone());
    assert_eq!(codes, ["invalid-field", "already-exists", "queue-full"]);
    assert_eq!(api.node.seen().calls.len(), 3);
}

#[tokio::test]
async fn a_strict_batch_with_a_bad_row_submits_nothing() {
    let api = api();
    let answer = batch(&api, "strict").await;
    let codes = [0, 1, 2].map(|row| answer["results"][row]["error"]["code"].clone());
    assert_eq!(codes, ["not-submitted", "invalid-field", "not-submitted"]);
    let checked = batch(&api, "check").await;
    assert_eq!(checked["results"][0], Value::Null);
    assert_eq!(checked["results"][1]["error"]["code"], "invalid-field");
    assert_eq!((&checked["accepted"], &checked["refused"]), (&json!(0), &json!(1)));
    assert!(api.node.seen().calls.is_empty());
    let many = json!({ "rows": vec![row("A"); 1_001] });
    api.post(&format!("{PATH}/batch"), many).await.problem(413, "too-many-items");
}

#[tokio::test]
async fn an_operator_is_answered_with_what_is_in_force_as_of_when() {
    let api = api();
    let found = vec![
        authorization(AeoStatus::Valid, "2026-11-22"),
        authorization(AeoStatus::Valid, "2026-11-21"),
        authorization(AeoStatus::Suspended, "2030-01-01"),
    ];
    api.node.answer("operator", &found);
    let path = "/v1/aeo/operators/RUT/21.123456%2F0018?consistency=linearizable";
    let answer = api.get(path).await.json();
    let in_force = [0, 1, 2].map(|index| answer["authorizations"][index]["in_force"].clone());
    assert_eq!(in_force, [true, false, false]);
    assert_eq!(answer["identifier"], "211234560018");
    assert_eq!((&answer["height"], &answer["time_ms"]), (&json!(120), &json!(TIME_MS)));
    assert!(answer["age_ms"].is_u64());
    let (query, consistency) = api.node.seen().queries[0].clone();
    assert_eq!(cbor::decode::<OperatorQuery>(&query.args).unwrap().operator, tag());
    assert_eq!(consistency, Consistency::Linearizable);
    api.node.answer("operator", &Vec::<Authorization>::new());
    let nobody = api.get("/v1/aeo/operators/rut/1").await;
    assert_eq!((nobody.status, &nobody.json()["authorizations"]), (StatusCode::OK, &json!([])));
}

#[tokio::test]
async fn history_tells_who_asserted_what_and_when() {
    let api = api();
    let transition = Transition {
        action: Action::Suspend,
        effective_ms: 3,
        reason: "audit".into(),
        authorization: authorization(AeoStatus::Suspended, "2028-12-31"),
    };
    let entry = RecordLogEntry {
        height: 9,
        index: 0,
        time_ms: 4,
        transaction: Hash([5; 32]),
        member: "uy-dna".into(),
        payload: cbor::encode(&transition),
    };
    api.node.answer("history", &vec![entry]);
    let path = "/v1/aeo/operators/rut/211234560018/history?member=uy-dna&number=UY-1";
    let answer = api.get(&format!("{path}&from=6")).await.json();
    assert_eq!(answer["next"], 7);
    let entry = &answer["entries"][0];
    assert_eq!((&entry["index"], &entry["action"]), (&json!(6), &json!("suspend")));
    assert_eq!((&entry["effective_ms"], &entry["recorded_ms"]), (&json!(3), &json!(4)));
    assert_eq!(entry["transaction"], Hash([5; 32]).to_hex());
    let query: HistoryQuery = cbor::decode(&api.node.seen().queries[0].0.args).unwrap();
    assert_eq!((query.member.as_str(), query.from), ("uy-dna", 6));
    api.node.answer("history", &Vec::<RecordLogEntry>::new());
    api.get(path).await.problem(404, "unknown-authorization");
    api.node.answer("history", &5u32);
    api.get(path).await.problem(500, "internal");
}

#[tokio::test]
async fn the_list_is_paged_by_an_opaque_cursor() {
    let api = api();
    let items = vec![authorization(AeoStatus::Valid, "2028-12-31")];
    api.node.answer("list", &AuthorizationPage { items, next: vec![1, 2] });
    let page = api.get(&format!("{PATH}?limit=1")).await.json();
    assert_eq!(page["next"], "0102");
    api.node.answer("list", &AuthorizationPage { items: vec![], next: vec![] });
    let last = api.get(&format!("{PATH}?after=0102")).await.json();
    assert_eq!(last.get("next"), None);
    let query: ListQuery = cbor::decode(&api.node.seen().queries[1].0.args).unwrap();
    assert_eq!((query.after, query.limit), (vec![1, 2], 50));
}
