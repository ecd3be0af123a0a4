//! The machine, and how fast its disk is at the moment.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    thread::available_parallelism,
    time::Instant,
};

use anyhow::Context;
use precinto_bench_report::results::{Machine, SyncTime};

/// Appended bytes of one synced write.
const APPEND_BYTES: usize = 4096;

/// Synced writes that are measured: a fifth of a second on most disks.
const APPENDS: usize = 200;

/// Extensions that the hot path can use: SHA-256 in hardware and the wide vectors of signature checks.
const FEATURES: [&str; 4] = ["sha_ni", "avx2", "avx512ifma", "sha2"];

/// What there is to know of this machine, with the disk of `directory`.
pub(crate) fn describe(directory: &Path) -> anyhow::Result<Machine> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    };
    let flags: Vec<&str> = field("flags").split(' ').chain(field("Features").split(' ')).collect();
    let features = FEATURES.iter().filter(|feature| flags.contains(feature));
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory_kib = memory.split_whitespace().nth(1).context("no MemTotal")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(Machine {
        cpu: field("model name").to_owned(),
        cores: available_parallelism()?.get(),
        cpu_features: features.map(|feature| (*feature).to_owned()).collect(),
        memory_mib: memory_kib.parse::<u64>()? / 1024,
        kernel: said("uname", &["-sr"]),
        disk: disk_of(directory),
        profile: if cfg!(debug_assertions) { "development" } else { "release" }.into(),
        commit: commit(),
        load_average: load.split(' ').next().context("no load average")?.parse()?,
        sync: sync_time(directory)?,
    })
}

/// Device and file system of a directory.
fn disk_of(directory: &Path) -> String {
    let text = said("df", &["--output=source,fstype", &directory.to_string_lossy()]);
    let line = text.lines().last().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(", ")
}

/// The commit in the working directory, with `+` if files differ from it.
fn commit() -> String {
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    if changed.is_empty() { commit } else { commit + "+" }
}

/// What a program prints; nothing if it is not there.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| String::new(), |it| String::from_utf8_lossy(&it.stdout).trim().into())
}

/// Appends to a file in `directory` and syncs its data, again and again.
pub(crate) fn sync_time(directory: &Path) -> anyhow::Result<SyncTime> {
    let path = directory.join("sync-time");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let began = Instant::now();
        file.write_all(&[0x5a; APPEND_BYTES])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok(SyncTime { p50_us: times[APPENDS / 2], p99_us: times[APPENDS * 99 / 100] })
}
