//! The threads that serve clients.
//!
//! A request reads storage, runs contracts and checks signatures on the thread that took it: handing
//! that to another one and back costs as much again as a query of one record. So these threads may
//! block, and nothing else runs on them: peers are never kept waiting by clients.

use std::{net::SocketAddr, num::NonZero, thread, time::Duration};

use anyhow::Context;
use precinto_api::Router;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};

/// Threads per core: some wait for the disk while others compute.
const THREADS_PER_CORE: usize = 2;

/// Threads at most. The engine has room for 32 calls of contracts: the apply thread must never wait
/// for a place.
const MAX_THREADS: usize = 16;

/// Transactions of one request that are worked on at once: in some milliseconds. More are left to
/// another thread, so that small requests get their turn.
const AT_ONCE: usize = 32;

/// How long a request that blocks may hold up the end of the node.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The HTTP server and its threads.
pub(super) struct Clients {
    runtime: Runtime,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Clients {
    /// Listens on `address` and serves `router` until [`Clients::stop`]; `stop` is set to true then,
    /// and who watches it may end what waits.
    pub(super) async fn serve(
        address: SocketAddr,
        router: Router,
        stop: watch::Sender<bool>,
    ) -> anyhow::Result<Clients> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads((THREADS_PER_CORE * cores).min(MAX_THREADS))
            .thread_name("clients")
            .enable_all()
            .build()
            .context("the threads for clients do not start")?;
        let bound = runtime.spawn(TcpListener::bind(address)).await?;
        let listener = match bound {
            Ok(listener) => listener,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error).with_context(|| format!("cannot listen on {address}"));
            }
        };
        let mut stopping = stop.subscribe();
        let stopped = async move {
            // A dropped sender means the node is gone: stop, too.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let server = runtime.spawn(precinto_api::serve(listener, router, stopped));
        Ok(Clients { runtime, server, stop })
    }

    /// Ends it: open requests first, then the threads.
    pub(super) async fn stop(self) {
        let Clients { runtime, server, stop } = self;
        stop.send_replace(true);
        if let Err(error) = server.await {
            tracing::error!(%error, "the HTTP server failed");
        }
        let ended = spawn_blocking(move || runtime.shutdown_timeout(END_WITHIN)).await;
        ended.expect("ending threads does not panic");
    }
}

/// Does what a request asks for each of its `count` transactions.
pub(super) async fn for_each_of<T: Send + 'static>(
    count: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if count <= AT_ONCE {
        return work();
    }
    spawn_blocking(work).await.expect("work on transactions does not panic")
}
