//! One node of a network: its directory, its process, its log.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    time::Duration,
};

use precinto_client::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::{program::Program, wait::eventually};

/// How long a node may take to stop: it hands leadership over, ends open requests and syncs.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Lines of a node's log that a failed test shows.
const LOG_TAIL: usize = 40;

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
    directory: PathBuf,
    url: String,
    process: Option<Child>,
}

impl Node {
    /// The node in `directory`, not started.
    pub(crate) fn new(directory: PathBuf) -> Node {
        let config = std::fs::read_to_string(directory.join("node.toml"));
        let config = config.expect("a node has its configuration");
        let api = config.lines().find_map(|line| line.strip_prefix("api = \""));
        let api = api.and_then(|rest| rest.strip_suffix('"')).expect("it names its interface");
        let url = format!("http://{api}");
        Node { directory, url, process: None }
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client with the token of the node's account `account`.
    pub fn client(&self, account: &str) -> Client {
        let file = self.directory.join("tokens").join(account);
        let token = std::fs::read_to_string(&file).expect("every account has a token");
        Client::new(&self.url, token.trim()).expect("address and token are well-formed")
    }

    /// All it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("node.log")
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }

    pub(crate) fn is_started(&self) -> bool {
        self.process.is_some()
    }

    /// Whether its process runs.
    pub fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| {
            process.try_wait().expect("a child of ours can be asked").is_none()
        })
    }

    pub(crate) fn start(&mut self, program: &Program, environment: &[(String, String)]) {
        assert!(!self.runs(), "{} runs already", self.directory.display());
        let log = File::options().create(true).append(true).open(self.log_file());
        let log = log.expect("a node's directory is ours");
        let process = program
            .command(["node", "run"])
            .arg(&self.directory)
            .envs(environment.iter().cloned())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn();
        self.process = Some(process.expect("the program can be started"));
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may be gone already.
            let _ = process.kill();
            process.wait().expect("a child of ours can be waited for");
        }
    }

    /// Sends it a signal, without waiting for what it does about it.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("only a running node can be signalled");
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.expect("the id of a running process");
        kill_process(pid, signal).expect("a child of ours can be signalled");
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("only a running node can end");
        let what = format!("the node in {} ends", self.directory.display());
        eventually(&what, STOP_WITHIN, async || {
            process.try_wait().expect("a child of ours can be asked")
        })
        .await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
