//! Lookup tags of many identifiers.

use precinto_protocol::aeo::{Scheme, lookup_tag};
use serde_json::{Value, json};

use crate::{fake::LOOKUP_KEY, support::api};

const PATH: &str = "/v1/aeo/tags";

fn written(scheme: &str, identifier: &str) -> Value {
    json!({ "scheme": scheme, "identifier": identifier })
}

#[tokio::test]
async fn tags_come_in_the_order_of_their_identifiers() {
    let identifiers = [written("duns", "15-048-3782"), written("uy-rut", "21 403302 0011")];
    let answer = api().post(PATH, json!({ "identifiers": identifiers })).await.json();
    let tags = [(Scheme::Duns, "150483782"), (Scheme::UyRut, "214033020011")]
        .map(|(scheme, identifier)| lookup_tag(&LOOKUP_KEY, scheme, identifier).to_hex());
    assert_eq!(answer, json!({ "tags": tags }));
}

#[tokio::test]
async fn bad_identifiers_and_bad_numbers_of_them_are_refused() {
    let api = api();
    let bad = json!({ "identifiers": [written("uy-rut", "214033020012")] });
    let detail = api.post(PATH, bad).await.problem(400, "invalid-field");
    assert!(detail.contains("check digit"), "{detail}");
    let none = json!({ "identifiers": [] });
    api.post(PATH, none).await.problem(400, "malformed-body");
    let many = json!({ "identifiers": vec![written("duns", "150483782"); 1001] });
    api.post(PATH, many).await.problem(413, "too-many-items");
}
