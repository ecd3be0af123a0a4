//! The `precinto` program.

use std::process::ExitCode;

use clap::Parser;
use precinto_client::ClientError;
use precinto_server::cli::{Cli, output};
use tracing_subscriber::EnvFilter;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("PRECINTO_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info,libp2p=warn,yamux=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match error.downcast_ref::<ClientError>() {
                Some(ClientError::Problem(problem)) => {
                    output::notice(format_args!("error: {} [{}]", problem.detail, problem.code));
                    output::notice(format_args!("hint: {}", problem.hint));
                }
                _ => output::notice(format_args!("error: {error:#}")),
            }
            ExitCode::FAILURE
        }
    }
}
