//! Lists of authorizations and their cursors.

use precinto_protocol::aeo::{
    AeoType, AsOf, Date, Standing, StandingAuthorization, SupplyChainRole,
    query::{ListFilter, ListPage, ListQuery},
};
use serde_json::json;

use crate::{
    aeo_queries::{authorization, last},
    fake::{HEIGHT, TIME_MS},
    support::{Api, api},
};

const PATH: &str = "/v1/aeo/authorizations";

fn page(api: &Api, items: Vec<StandingAuthorization>, next: &[u8]) {
    let as_of = AsOf { effective_ms: TIME_MS, recorded_ms: TIME_MS };
    api.node.answer("list", &ListPage { as_of, items, next: next.into() });
}

#[tokio::test]
async fn every_filter_reaches_the_contract() {
    let api = api();
    page(&api, vec![], &[]);
    let filter =
        "member=uy-dna&standing=suspended&type=AEOS&role=carrier&mra=m1&ends_by=2027-01-01";
    let answer = api.get(&format!("{PATH}?{filter}")).await.json();
    assert_eq!((answer.get("next"), &answer["known_ms"]), (None, &json!(TIME_MS)));
    let query = last::<ListQuery>(&api, "list").0;
    let expected = ListFilter {
        member: Some("uy-dna".into()),
        standing: Some(Standing::Suspended),
        aeo_type: Some(AeoType::S),
        role: Some(SupplyChainRole::Carrier),
        mra: Some("m1".into()),
        ends_by: Date::parse("2027-01-01"),
    };
    assert_eq!((query.filter, query.as_of, query.limit), (expected, None, 50));
    for bad in [
        "standing=suspend",
        "type=S",
        "role=x",
        "ends_by=soon",
        "limit=0",
        "limit=101",
        "ends_within_days=1&ends_by=2027-01-01",
        "ends_within_days=-1",
        "cursor=zz",
        "cursor=00",
    ] {
        api.get(&format!("{PATH}?{bad}")).await.problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn pages_fit_together_by_the_times_and_the_filter_in_the_cursor() {
    let api = api();
    page(&api, vec![authorization("UY-1", "2028-12-31")], &[1, 2]);
    let first = api.get(&format!("{PATH}?member=uy-dna&limit=1")).await.json();
    assert_eq!(first["authorizations"].as_array().unwrap().len(), 1);
    let cursor = first["next"].as_str().unwrap();
    page(&api, vec![], &[]);
    for repeated in ["", "&member=uy-dna"] {
        let second = api.get(&format!("{PATH}?cursor={cursor}{repeated}")).await.json();
        assert_eq!(second.get("next"), None);
        let query = last::<ListQuery>(&api, "list").0;
        let times = AsOf { effective_ms: TIME_MS, recorded_ms: TIME_MS };
        assert_eq!((query.as_of, query.after.as_slice()), (Some(times), &[1, 2][..]));
        assert_eq!(query.filter.member.as_deref(), Some("uy-dna"));
    }
    let other = api.get(&format!("{PATH}?cursor={cursor}&member=br-rfb")).await;
    assert!(other.problem(400, "invalid-parameter").contains("another filter"));
}

#[tokio::test]
async fn a_page_looks_on_until_it_is_full_or_has_looked_long_enough() {
    let api = api();
    page(&api, vec![authorization("UY-1", "2028-12-31")], &[1]);
    let full = api.get(&format!("{PATH}?limit=3")).await.json();
    assert_eq!(full["authorizations"].as_array().unwrap().len(), 3);
    let limits: Vec<u32> = (0..3).map(|_| last::<ListQuery>(&api, "list").0.limit).collect();
    assert_eq!(limits, [1, 2, 3]);
    page(&api, vec![], &[1]);
    let sparse = api.get(&format!("{PATH}?limit=3")).await.json();
    assert_eq!((&sparse["authorizations"], sparse["next"].is_string()), (&json!([]), true));
    assert_eq!(api.node.seen().queries.len(), precinto_api::limits::MAX_LIST_CALLS);
}

#[tokio::test]
async fn a_node_behind_the_cursor_says_so() {
    let ahead = api();
    ahead.node.emit(HEIGHT + 1, 0, "aeo.certified");
    page(&ahead, vec![authorization("UY-1", "2028-12-31")], &[1]);
    let first = ahead.get(&format!("{PATH}?limit=1")).await.json();
    let cursor = first["next"].as_str().unwrap().to_owned();
    // The fake reads at HEIGHT whatever its applied height: only the latter decides.
    let behind = api();
    page(&behind, vec![], &[]);
    assert_eq!(behind.get(&format!("{PATH}?cursor={cursor}")).await.status, 200);
    behind.node.emit(HEIGHT - 1, 0, "aeo.certified");
    let refused = behind.get(&format!("{PATH}?cursor={cursor}")).await;
    refused.problem(503, "node-behind");
    assert_eq!(refused.json()["retryable"], true);
}

#[tokio::test]
async fn what_ends_soon_has_not_ended_yet() {
    let api = api();
    let ends = ["2026-11-21", "2026-11-22", "2026-11-29"];
    page(&api, ends.map(|until| authorization("UY-1", until)).into(), &[]);
    let answer = api.get(&format!("{PATH}?ends_within_days=7")).await.json();
    let found: Vec<_> = answer["authorizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["valid_until"].clone())
        .collect();
    assert_eq!(found, ["2026-11-22", "2026-11-29"]);
    let query = last::<ListQuery>(&api, "list").0;
    assert_eq!(query.filter.ends_by, Date::parse("2026-11-29"));
    api.get(&format!("{PATH}?ends_within_days=7&effective=2026-12-01")).await;
    let query = last::<ListQuery>(&api, "list").0;
    assert_eq!(query.filter.ends_by, Date::parse("2026-12-08"));
}
