//! The manifest lists methods that the contract has.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use governance::Governance;
use precinto_contract::testing::{MockLedger, signer};
use precinto_protocol::identity::Role;

#[test]
fn the_contract_knows_every_method_of_its_manifest() {
    let manifest = include_str!("../manifest.toml");
    let listed = manifest.lines().filter_map(|line| line.strip_prefix("[methods."));
    let methods: Vec<&str> = listed.map(|rest| rest.strip_suffix(']').unwrap()).collect();
    assert!(methods.contains(&"enrol"), "{methods:?}");
    for method in methods {
        let admin = [signer("uy-dna", &[Role::Admin])];
        // A number is no method's arguments.
        let refused = MockLedger::native::<Governance>().call(&admin, method, &0_u8).unwrap_err();
        assert_ne!(refused.code, "unknown-method", "{method}");
    }
}
