//! The `precinto` program.

use std::process::ExitCode;

use clap::Parser;
use precinto_server::{
    cli::{Cli, exit},
    node,
};
use tokio::runtime;

/// A node makes and frees millions of small pieces on several threads: with the system's allocator
/// it spends an eighth more CPU time on each transaction, and keeps more memory. RocksDB uses it too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads for tasks: a node's work is done by its owner threads.
const WORKER_THREADS: usize = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.json();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .expect("a system that cannot start a thread cannot run anything");
    let done = runtime.block_on(cli.run());
    // A node's tasks end here and let go of its storage; its threads end after them.
    drop(runtime);
    node::join_all();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, json),
    }
}
