//! What a process spends, as the kernel counts it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;

/// Threads that were gone when they were counted.
const ENDED: &str = "ended";

/// CPU time of a process up to a moment, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    /// Ended threads included.
    all_us: f64,
    /// Name and time of each thread by its id.
    threads: BTreeMap<String, (String, f64)>,
}

impl Usage {
    /// Of the process of this id.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Usage> {
        let process = Path::new("/proc").join(pid.to_string());
        let (_, all_us) = read(&process.join("stat"))?;
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(process.join("task"))? {
            let entry = entry?;
            // One that has just ended has no figures any more.
            if let Ok(thread) = read(&entry.path().join("stat")) {
                threads.insert(entry.file_name().to_string_lossy().into_owned(), thread);
            }
        }
        Ok(Usage { all_us, threads })
    }

    /// What was spent since `before`: in all, and by name of thread.
    pub(crate) fn since(&self, before: &Usage) -> (f64, BTreeMap<String, f64>) {
        let all = self.all_us - before.all_us;
        let mut names: BTreeMap<String, f64> = BTreeMap::new();
        for (id, (name, us)) in &self.threads {
            let earlier = before.threads.get(id).map_or(0.0, |(_, us)| *us);
            *names.entry(name.clone()).or_default() += us - earlier;
        }
        let ended = all - names.values().sum::<f64>();
        names.insert(ENDED.into(), ended.max(0.0));
        (all, names)
    }
}

/// Name and CPU time of a `stat` file.
fn read(stat: &Path) -> anyhow::Result<(String, f64)> {
    let text = fs::read_to_string(stat)?;
    parse(&text).with_context(|| format!("{} is not as expected", stat.display()))
}

/// `id (name) state ...`, where user and system time are the 14th and 15th field, in clock ticks. A
/// name may have brackets and spaces itself.
fn parse(text: &str) -> Option<(String, f64)> {
    let (_, rest) = text.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    let tick_us = 1e6 / rustix::param::clock_ticks_per_second() as f64;
    Some((name.to_owned(), ticks as f64 * tick_us))
}

/// Memory that a process has in use, bytes.
pub(crate) fn rss_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmRSS")?.trim().parse::<u64>()? * 1024)
}

/// Bytes of all files below a directory. Files that come and go meanwhile may be missed.
pub(crate) fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let line = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0 1 0 99";
        let (name, us) = parse(line).unwrap();
        assert_eq!(name, "a) b (c");
        let ticks = us * rustix::param::clock_ticks_per_second() as f64 / 1e6;
        assert_eq!(ticks, 42.0);
        assert_eq!(parse("7 (a) S 1"), None);
    }

    #[test]
    fn threads_of_a_name_are_summed_and_ended_ones_are_the_rest() {
        let usage = |all_us, threads: &[(&str, &str, f64)]| Usage {
            all_us,
            threads: threads
                .iter()
                .map(|(id, name, us)| ((*id).to_owned(), ((*name).to_owned(), *us)))
                .collect(),
        };
        let before = usage(100.0, &[("1", "raft", 60.0), ("2", "apply", 20.0)]);
        let after = usage(200.0, &[("1", "raft", 80.0), ("3", "raft", 10.0), ("2", "apply", 40.0)]);
        let (all, names) = after.since(&before);
        assert_eq!(all, 100.0);
        assert_eq!((names["raft"], names["apply"], names[ENDED]), (30.0, 20.0, 50.0));
    }

    #[test]
    fn this_process_has_figures() {
        let own = std::process::id();
        assert!(rss_bytes(own).unwrap() > 100_000);
        assert!(!Usage::of(own).unwrap().threads.is_empty());
    }
}
