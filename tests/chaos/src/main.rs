//! `precinto-chaos`: rounds of faults, until one finds something.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use precinto_chaos::{Trial, inside, say, site::Means};

/// Rounds on one network. Its ledger would fill the disks of more, and a failure is repeated from the
/// beginning of its network.
const ROUNDS_PER_NETWORK: u64 = 10;

/// Harms a network of real processes under load, round after round, and checks after each that
/// nothing is lost, doubled or contradicted.
#[derive(Parser)]
struct Options {
    /// How many rounds.
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// What the first network is drawn from; each further one from the next number. By default from
    /// the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// During how many seconds of a round faults begin.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let _in_runtime = runtime.enter();
    let (means, reason) = match inside::enter() {
        Ok(found) => found,
        Err(error) => {
            say(format_args!("cannot start itself in namespaces: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if let Some(reason) = reason {
        say(format_args!(
            "SKIPPED: faults of links and disks, namespaces are not allowed ({reason})"
        ));
    }
    let seed = *options.seed.get_or_insert_with(clock_seed);
    runtime.block_on(run(&options, seed, &means));
    ExitCode::SUCCESS
}

fn clock_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

async fn run(options: &Options, seed: u64, means: &Means) {
    let length = Duration::from_secs(options.seconds);
    let mut left = options.rounds;
    for seed in seed.. {
        let rounds = left.min(ROUNDS_PER_NETWORK);
        let mut trial = Trial::begin(seed, means.clone(), length).await;
        for _ in 0..rounds {
            trial.round().await;
        }
        left -= rounds;
        if left == 0 {
            break;
        }
    }
    say(format_args!("{} rounds from seed {seed} on: everything held", options.rounds));
}
