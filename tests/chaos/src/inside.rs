//! Being where namespaces may be made and file systems mounted: as root of a user namespace.

use std::{
    env, io,
    os::unix::process::CommandExt,
    process::{Command, Output},
    sync::Arc,
};

use precinto_cluster_tests::NODES;

use crate::{dice::Dice, links::Links, site::Means};

/// Set for the program that runs inside.
const INSIDE: &str = "PRECINTO_CHAOS_INSIDE";

/// Everything that is needed there, done once.
const PROBE: &str = "ip tuntap add probe mode tun && mount -t tmpfs probe /mnt";

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount"]);
    command
}

/// Starts this program again, in the same process, inside new namespaces, and there says what can be
/// done; where the machine does not allow it, nothing of it can, and the reason is given.
///
/// # Errors
/// If the program cannot be started again, or links cannot be made all the same.
///
/// # Panics
/// Without a runtime of tokio.
pub fn enter() -> io::Result<(Means, Option<String>)> {
    if env::var_os(INSIDE).is_some() {
        let links = Some(Arc::new(Links::make(&NODES, Dice::new(0))?));
        return Ok((Means { links, disks: true }, None));
    }
    if let Err(reason) = allowed(unshare().args(["sh", "-c", PROBE]).output()) {
        return Ok((Means::default(), Some(reason)));
    }
    let own = env::current_exe()?;
    Err(unshare().arg(own).args(env::args_os().skip(1)).env(INSIDE, "1").exec())
}

fn allowed(probed: io::Result<Output>) -> Result<(), String> {
    let output = probed.map_err(|error| format!("unshare: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
