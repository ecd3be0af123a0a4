//! What officers and supervisors command.

use axum::http::StatusCode;
use precinto_protocol::{
    aeo::{
        AeoType, AliasMode, Amend, AsOf, Certify, ChangeStatus, Decide, DeclareAlias, LeaveMra,
        ProposeMra, PublicIdentifier, ReasonClass, RetireAlias, Scheme, SupplyChainRole,
        lookup_tag, query::FindAnswer,
    },
    cbor,
    hash::Hash,
    identity::Role,
};
use serde_json::{Value, json};

use crate::{
    fake::{DUPLICATE, LOOKUP_KEY, NEVER_FINAL, QUEUE_FULL, TIN_MAX_LENGTH},
    support::{AUDITOR, Api, OFFICER, SUPERVISOR, api},
};

const PATH: &str = "/v1/aeo/authorizations";
const WAIT: &str = "?wait=committed";
const RUT: &str = "214033020011";

fn row(number: &str) -> Value {
    json!({
        "scheme": "UY-RUT", "identifier": "21-403302.0011", "number": number,
        "types": ["AEOS", "AEOC"], "roles": ["exporter", "importer", "exporter"],
        "valid_from": "2026-01-01", "valid_until": "2028-12-31",
    })
}

fn change() -> Value {
    json!({
        "scheme": "uy-rut", "identifier": RUT, "number": "UY-1", "class": "examination",
        "reference": "RES-2026/114", "effective": "2026-11-22",
    })
}

fn tag() -> Hash {
    lookup_tag(&LOOKUP_KEY, Scheme::UyRut, RUT)
}

/// The arguments of the last call, which must be of `method` and made in `role`.
fn last<T>(api: &Api, method: &str, role: Role) -> T
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    let (officer, call) = api.node.seen().calls.pop().expect("a call was made");
    assert_eq!((call.contract.as_str(), call.method.as_str()), ("aeo", method));
    assert_eq!(officer.role, role);
    cbor::decode(&call.args).unwrap()
}

#[tokio::test]
async fn certify_signs_for_the_officer_with_normalized_arguments() {
    let api = api();
    let mut form = row("UY-1");
    form["publish"] = json!(true);
    form["consent"] = json!(true);
    let answer = api.post(&format!("{PATH}{WAIT}"), form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["status"], "committed");
    let args: Certify = last(&api, "certify", Role::Officer);
    let identifier = PublicIdentifier { scheme: "uy-rut".into(), value: RUT.into() };
    assert_eq!(args.operator, tag());
    assert_eq!(args.terms.types, [AeoType::C, AeoType::S]);
    assert_eq!(args.terms.roles, [SupplyChainRole::Importer, SupplyChainRole::Exporter]);
    assert_eq!(args.terms.valid_until.unwrap().to_string(), "2028-12-31");
    assert_eq!((args.terms.consent, args.terms.identifier), (true, Some(identifier)));
}

#[tokio::test]
async fn an_unpublished_identifier_never_leaves_the_node() {
    let api = api();
    let mut form = row("UY-1");
    form.as_object_mut().unwrap().remove("valid_until");
    api.post(PATH, form).await;
    let terms = last::<Certify>(&api, "certify", Role::Officer).terms;
    assert_eq!((terms.identifier, terms.valid_until, terms.consent), (None, None, false));
}

#[tokio::test]
async fn a_refused_command_is_a_problem_and_an_unfinished_one_is_accepted() {
    let api = api();
    let refused = api.post(&format!("{PATH}{WAIT}"), row(DUPLICATE)).await;
    assert_eq!(refused.problem(409, "number-taken"), "number used before");
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
    for (field, value, says) in [
        ("valid_from", json!("2026-02-29"), "not a date"),
        ("valid_until", json!("31/12/2028"), "not a date"),
        ("valid_until", json!("2025-12-31"), "before valid_from"),
        ("number", json!("uy-1"), "capital letters"),
        ("number", json!("A".repeat(25)), "1 to 24"),
        ("types", json!([]), "at least one"),
        ("types", json!(["AEOF"]), "did you mean AEOC or AEOS?"),
        ("roles", json!(["importor"]), "did you mean importer"),
        ("scheme", json!("rut"), "did you mean cl-rut or uy-rut?"),
        ("scheme", json!("x".repeat(1000)), "1000 bytes"),
        ("identifier", json!("--"), "expected 12 digits"),
        ("identifier", json!("214033020012"), "check digit"),
        ("record", json!("ab"), "64 lower-case"),
    ] {
        let mut form = row("UY-1");
        form[field] = value.clone();
        let detail = api.post(PATH, form).await.problem(400, "invalid-field");
        assert!(detail.starts_with(field) && detail.contains(says), "{field} {value}: {detail}");
        assert!(detail.len() < 600, "{detail}");
    }
    let mut form = row("UY-1");
    form["note"] = json!("?");
    let detail = api.post(PATH, form).await.problem(400, "malformed-body");
    assert!(detail.contains("note"), "{detail}");
    assert!(api.node.seen().calls.is_empty());
}

#[tokio::test]
async fn a_change_of_status_calls_its_method() {
    let api = api();
    for method in ["suspend", "reinstate", "withdraw", "revoke", "annul"] {
        let path = format!("{PATH}/{method}");
        let answer = api.post(&format!("{path}{WAIT}"), change()).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        let args: ChangeStatus = last(&api, method, Role::Officer);
        assert_eq!((args.operator, args.effective_ms), (tag(), Some(1_795_305_600_000)));
        assert_eq!(
            (args.class, args.reference.as_str()),
            (ReasonClass::Examination, "RES-2026/114")
        );
        for (field, value) in [
            ("class", json!("because")),
            ("reference", json!("for Ana")),
            ("effective", json!("tomorrow")),
            ("effective", json!(u64::MAX)),
        ] {
            let mut bad = change();
            bad[field] = value;
            let detail = api.post(&path, bad).await.problem(400, "invalid-field");
            assert!(detail.starts_with(field), "{detail}");
        }
        api.post_as(AUDITOR, &path, change()).await.problem(403, "role-required");
        api.post_as(SUPERVISOR, &path, change()).await.problem(403, "role-required");
    }
}

#[tokio::test]
async fn an_amendment_states_all_terms() {
    let api = api();
    let mut form = row("UY-1");
    form.as_object_mut().unwrap().remove("valid_from");
    form["effective"] = json!("2026-11-22T03:00:00+03:00");
    form["record"] = json!("ab".repeat(32));
    api.post(&format!("{PATH}/amend"), form).await;
    let args: Amend = last(&api, "amend", Role::Officer);
    assert_eq!((args.operator, args.effective_ms), (tag(), Some(1_795_305_600_000)));
    assert_eq!(args.terms.record, Some(Hash([0xab; 32])));
}

#[tokio::test]
async fn a_supervisor_approves_and_either_declines() {
    let api = api();
    let form = json!({ "number": "UY-1", "proposal": "cd".repeat(32) });
    let path = format!("{PATH}/approve");
    api.post_as(OFFICER, &path, form.clone()).await.problem(403, "role-required");
    assert_eq!(api.post_as(SUPERVISOR, &path, form.clone()).await.status, StatusCode::ACCEPTED);
    let args: Decide = last(&api, "approve", Role::Supervisor);
    assert_eq!((args.number.as_str(), args.proposal.0), ("UY-1", Hash([0xcd; 32])));
    let path = format!("{PATH}/decline");
    for (token, role) in [(OFFICER, Role::Officer), (SUPERVISOR, Role::Supervisor)] {
        api.post_as(token, &path, form.clone()).await;
        last::<Decide>(&api, "decline", role);
    }
    api.post_as(AUDITOR, &path, form.clone()).await.problem(403, "role-required");
    let mut bad = form;
    bad["proposal"] = json!("12");
    let detail = api.post_as(SUPERVISOR, &path, bad).await.problem(400, "invalid-field");
    assert!(detail.starts_with("proposal"), "{detail}");
}

#[tokio::test]
async fn aliases_are_declared_and_retired_by_both_identifiers() {
    let api = api();
    let alias = json!({ "scheme": "duns", "identifier": "15-048-3782" });
    let operator = json!({ "scheme": "uy-rut", "identifier": RUT });
    let form = json!({ "alias": alias, "operator": operator, "mode": "common", "publish": true });
    api.post("/v1/aeo/aliases", form.clone()).await;
    let args: DeclareAlias = last(&api, "declare-alias", Role::Officer);
    let duns = lookup_tag(&LOOKUP_KEY, Scheme::Duns, "150483782");
    assert_eq!((args.alias, args.operator, args.mode), (duns, tag(), AliasMode::Common));
    assert_eq!(args.identifier.unwrap().value, "150483782");
    let mut bad = form;
    bad["mode"] = json!("comon");
    let detail = api.post("/v1/aeo/aliases", bad).await.problem(400, "invalid-field");
    assert!(detail.contains("did you mean common?"), "{detail}");
    api.post("/v1/aeo/aliases/retire", json!({ "alias": alias, "operator": operator })).await;
    let args: RetireAlias = last(&api, "retire-alias", Role::Officer);
    assert_eq!((args.alias, args.operator), (duns, tag()));
}

#[tokio::test]
async fn supervisors_conclude_and_leave_arrangements() {
    let api = api();
    let form = json!({
        "id": "uy-br", "parties": ["uy-dna", "br-rfb", "uy-dna"], "types": ["AEOS"],
        "roles": ["importer"], "valid_from": "2026-01-01",
        "activations": [{ "a": "uy-dna", "b": "br-rfb", "from": "2026-07-01" }],
    });
    api.post("/v1/aeo/mras", form.clone()).await.problem(403, "role-required");
    api.post_as(SUPERVISOR, "/v1/aeo/mras", form.clone()).await;
    let args: ProposeMra = last(&api, "propose-mra", Role::Supervisor);
    assert_eq!(args.terms.parties, ["br-rfb", "uy-dna"]);
    let [pair] = &args.terms.activations[..] else { panic!("{args:?}") };
    assert_eq!((pair.a.as_str(), pair.b.as_str()), ("br-rfb", "uy-dna"));
    let mut bad = form;
    bad["id"] = json!("UY BR");
    api.post_as(SUPERVISOR, "/v1/aeo/mras", bad).await.problem(400, "invalid-field");
    api.post_as(SUPERVISOR, "/v1/aeo/mras/uy-br/accept", Value::Null).await;
    last::<precinto_protocol::aeo::AcceptMra>(&api, "accept-mra", Role::Supervisor);
    let leave = json!({ "effective": 1_795_305_600_000_u64 });
    api.post_as(SUPERVISOR, "/v1/aeo/mras/uy-br/leave", leave).await;
    let args: LeaveMra = last(&api, "leave-mra", Role::Supervisor);
    assert_eq!((args.id.as_str(), args.effective_ms), ("uy-br", 1_795_305_600_000));
}

async fn batch(api: &Api, mode: &str) -> Value {
    let mut bad = row("UY-2");
    bad["valid_from"] = json!("soon");
    let mut suspend = change();
    suspend["action"] = json!("suspend");
    let mut typo = change();
    typo["action"] = json!("suspnd");
    let incomplete = json!({ "action": "certify", "scheme": "uy-rut" });
    let rows =
        json!([row("UY-1"), bad, row(DUPLICATE), row(QUEUE_FULL), suspend, typo, incomplete, 7]);
    let form = json!({ "rows": rows, "mode": mode });
    let answer = api.post(&format!("{PATH}/batch{WAIT}"), form).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

#[tokio::test]
async fn a_batch_answers_row_by_row() {
    let api = api();
    let answer = batch(&api, "skip-bad").await;
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(2), &json!(6)));
    assert_eq!(answer["results"][0]["status"], "committed");
    assert_eq!(answer["results"][4]["status"], "committed");
    let error = |row: usize, part: &str| answer["results"][row]["error"][part].clone();
    let codes = [1, 2, 3, 5, 6, 7].map(|row| error(row, "code"));
    let invalid = "invalid-field";
    assert_eq!(codes, [invalid, "number-taken", "queue-full", invalid, invalid, invalid]);
    assert!(error(5, "detail").as_str().unwrap().contains("did you mean suspend?"));
    assert!(error(6, "detail").as_str().unwrap().contains("missing field"));
    let methods: Vec<_> = api.node.seen().calls.iter().map(|(_, c)| c.method.clone()).collect();
    assert_eq!(methods, ["certify", "certify", "certify", "suspend"]);
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
    assert_eq!((&checked["accepted"], &checked["refused"]), (&json!(0), &json!(4)));
    assert!(api.node.seen().calls.is_empty());
    let many = json!({ "rows": vec![row("A"); 1_001] });
    api.post(&format!("{PATH}/batch"), many).await.problem(413, "too-many-items");
}

#[tokio::test]
async fn a_tin_is_as_long_as_the_channel_says() {
    let api = api();
    let path = |length: usize| format!("/v1/aeo/operators/tin/UY{}", "7".repeat(length - 2));
    let nobody = FindAnswer { as_of: AsOf { effective_ms: 1, recorded_ms: 1 }, operators: vec![] };
    api.node.answer("find", &nobody);
    assert_eq!(api.get(&path(TIN_MAX_LENGTH)).await.status, StatusCode::OK);
    let refused = api.get(&path(TIN_MAX_LENGTH + 1)).await.problem(400, "invalid-parameter");
    assert!(refused.contains("17 characters"), "{refused}");
}
