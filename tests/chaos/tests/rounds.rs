//! A few rounds, as `make chaos` does many.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

#[test]
fn a_network_holds_for_two_rounds() {
    let output = Command::new(env!("CARGO_BIN_EXE_precinto-chaos"))
        .args(["--rounds", "2", "--seconds", "4", "--seed", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}
