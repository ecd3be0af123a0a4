//! One node of a network: its directory, its process, its log.

use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use precinto_client::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::{metrics::Figures, program::Program, wait::eventually};

/// How long a node may take to stop: it hands leadership over, ends open requests and syncs.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Variable of the program under test (not of a released one): a file with milliseconds to add to
/// its clock.
const CLOCK_SHIFT: &str = "PRECINTO_CLOCK_SHIFT_FILE";

/// Lines of a node's log that a failed test shows.
const LOG_TAIL: usize = 40;

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
    directory: PathBuf,
    url: String,
    small_disk_mib: Option<u64>,
    within: Vec<OsString>,
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
        Node { directory, url, small_disk_mib: None, within: Vec::new(), process: None }
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

    /// Puts its data on a disk of its own of that size, from the next start on. The disk lasts as
    /// long as the process: what it held is gone with it.
    pub(crate) fn use_small_disk(&mut self, mib: u64) {
        self.small_disk_mib = Some(mib);
    }

    /// Starts it as the last arguments of this command, from the next start on.
    pub(crate) fn run_within(&mut self, command: Vec<OsString>) {
        self.within = command;
    }

    /// The id of its process, while it is started.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Its data directory as the running process sees it.
    pub fn data_in_use(&self) -> PathBuf {
        let process = self.process.as_ref().expect("only a running node uses its data");
        let root = PathBuf::from(format!("/proc/{}/root", process.id()));
        let data = self.directory.join("data");
        root.join(data.strip_prefix("/").expect("temporary directories have absolute paths"))
    }

    /// Moves its clock, also while it runs.
    pub fn shift_clock(&self, ms: i64) {
        std::fs::write(self.clock_shift_file(), ms.to_string()).expect("the directory is ours");
    }

    fn clock_shift_file(&self) -> PathBuf {
        self.directory.join("clock-shift")
    }

    /// Replaces text in its configuration, for the next start.
    pub fn configure(&self, from: &str, to: &str) {
        let file = self.directory.join("node.toml");
        let text = std::fs::read_to_string(&file).expect("every node has a configuration");
        assert!(text.contains(from), "{from:?} in {text}");
        std::fs::write(file, text.replacen(from, to, 1)).expect("the directory is ours");
    }

    /// What it exports now.
    pub async fn metrics(&self) -> Figures {
        let answer = reqwest::get(format!("{}/metrics", self.url)).await.expect("the node answers");
        Figures::parse(&answer.text().await.expect("metrics are text"))
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
        let mut command = match self.small_disk_mib {
            None => program.command_within(&self.within, ["node", "run"]),
            Some(mib) => on_small_disk(program, mib),
        };
        let process = command
            .arg(&self.directory)
            .env(CLOCK_SHIFT, self.clock_shift_file())
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

/// `node run` in a name space where the data directory is a new file system with a copy of the data.
fn on_small_disk(program: &Program, mib: u64) -> Command {
    const SCRIPT: &str = r#"set -e
        rm -rf "$3/data.before" && cp -a "$3/data" "$3/data.before"
        mount -t tmpfs -o "size=$1m" small "$3/data"
        cp -a "$3/data.before/." "$3/data/"
        exec "$2" node run "$3""#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"]);
    command.arg(mib.to_string()).arg(program.path()).env("NO_COLOR", "1");
    command
}

/// Whether this machine lets a user make name spaces and mount file systems in them.
pub fn can_make_small_disks() -> bool {
    let mount = "mount -t tmpfs small /mnt";
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
