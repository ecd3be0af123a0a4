//! The program under test and the contracts it runs.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// The built `precinto`.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The program of the same build as the running test.
    pub(crate) fn find() -> Program {
        let path = build_directory().join("precinto");
        assert!(
            path.exists(),
            "there is no {}: build it with `cargo build -p precinto-server` (make test does)",
            path.display()
        );
        Program { path }
    }

    /// A command of it, with plain logs.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args).env("NO_COLOR", "1").env_remove("PRECINTO_DIR");
        command
    }
}

/// A command of another program of the same build: a bench, or `examples/<name>`.
pub fn built(name: &str) -> Command {
    let path = build_directory().join(name);
    assert!(
        path.exists(),
        "there is no {}: build it with `cargo build --workspace --bins --examples` (make test does)",
        path.display()
    );
    Command::new(path)
}

/// Directory of the built contracts.
pub(crate) fn contracts() -> PathBuf {
    let target = build_directory().parent().map(Path::to_owned);
    let contracts = target.expect("a build is in a target directory").join("contracts");
    assert!(
        contracts.join("aeo.wasm").exists(),
        "there is no aeo.wasm in {}: build the contracts with `make contracts` (make test does)",
        contracts.display()
    );
    contracts
}

/// `target/debug`: tests are in its `deps`.
fn build_directory() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let build = test.parent().and_then(Path::parent);
    build.expect("a test is two directories below its target").to_owned()
}
