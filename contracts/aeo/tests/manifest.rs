//! The manifest lists methods that the contract has.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use aeo::Aeo;
use precinto_contract::testing::{MockLedger, signer};
use precinto_protocol::identity::Role;

#[test]
fn the_contract_knows_every_method_of_its_manifest() {
    let manifest = include_str!("../manifest.toml");
    let listed = manifest.lines().filter_map(|line| line.strip_prefix("[methods."));
    let methods: Vec<&str> = listed.map(|rest| rest.strip_suffix(']').unwrap()).collect();
    assert!(methods.contains(&"certify"), "{methods:?}");
    for method in methods {
        let officer = [signer("uy-dna", &[Role::Officer])];
        // A number is no method's arguments.
        let refused = MockLedger::native::<Aeo>().call(&officer, method, &0_u8).unwrap_err();
        assert_ne!(refused.code, "unknown-method", "{method}");
    }
}
