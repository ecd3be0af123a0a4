//! The process, under the names that Prometheus' own libraries use. Read from `/proc`; a figure that
//! cannot be read there stays as it was.

use std::{fs, time::SystemTime};

use prometheus::{Gauge, IntGauge, Result};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use super::register::Registrar;

pub(in crate::node) struct ProcessMetrics {
    resident: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    cpu: Gauge,
}

impl ProcessMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<ProcessMetrics> {
        let started = to.gauge("process_start_time_seconds", "When the process started.")?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        started.set(since.map_or(0, |since| since.as_secs() as i64));
        Ok(ProcessMetrics {
            resident: to.gauge("process_resident_memory_bytes", "Memory in use.")?,
            open_fds: to.gauge("process_open_fds", "Open files and sockets.")?,
            max_fds: to.gauge("process_max_fds", "How many may be open.")?,
            cpu: to.float_gauge("process_cpu_seconds_total", "CPU time used.")?,
        })
    }

    pub(in crate::node) fn observe(&self) {
        if let Some(pages) = field("/proc/self/statm", 1) {
            self.resident.set((pages * page_size() as u64) as i64);
        }
        // The directory itself is open while it is read.
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(open.count().saturating_sub(1) as i64);
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            self.max_fds.set(most as i64);
        }
        if let Some(ticks) = cpu_ticks() {
            self.cpu.set(ticks as f64 / clock_ticks_per_second() as f64);
        }
    }
}

fn field(file: &str, at: usize) -> Option<u64> {
    fs::read_to_string(file).ok()?.split_whitespace().nth(at)?.parse().ok()
}

/// User and system time. The fields are counted from behind the program's name, which may hold
/// anything.
fn cpu_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;

    #[test]
    fn the_process_is_seen() {
        let process = ProcessMetrics::register(&Registrar(&Registry::new())).unwrap();
        process.observe();
        assert!(process.resident.get() > 100_000, "{}", process.resident.get());
        assert!(process.open_fds.get() >= 3 && process.max_fds.get() > process.open_fds.get());
        let spun = std::time::Instant::now();
        while cpu_ticks() < Some(2) {
            assert!(spun.elapsed().as_secs() < 10, "no CPU time is seen");
        }
    }
}
