//! docs/CLI.md says what the program does.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use precinto_server::cli::reference;

#[test]
fn the_reference_is_what_the_program_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CLI.md");
    let expected = reference::markdown();
    if std::env::var_os("UPDATE_CLI").is_some() {
        fs::write(&page, &expected).unwrap();
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == expected,
        "docs/CLI.md is out of date: renew it with UPDATE_CLI=1 cargo test -p precinto-server --test cli"
    );
}
