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

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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

/// `target/debug`: programs are in it, tests in its `deps`.
fn build_directory() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let directory = own.parent().expect("a program is in a directory");
    let build = if directory.ends_with("deps") { directory.parent() } else { Some(directory) };
    build.expect("`deps` is in a directory").to_owned()
}
