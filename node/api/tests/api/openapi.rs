use std::{env, fs, path::PathBuf};

#[test]
fn the_committed_document_is_what_the_code_serves() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi.json");
    let mut served = precinto_api::openapi().to_pretty_json().unwrap();
    served.push('\n');
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &served).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == served,
        "schemas/openapi.json is not what the code serves. If the change is meant, regenerate it: \
         UPDATE_OPENAPI=1 cargo test -p precinto-api --test api openapi"
    );
}
