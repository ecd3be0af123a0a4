//! `precinto-simulation`: runs worlds by their seeds and tells what went wrong.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::{collections::BTreeMap, io, ops::Range, process::ExitCode, thread, time::Instant};

use clap::Parser;
use precinto_simulation::{Report, add_counts, run, run_seeds};
use precinto_vm::limits::THREAD_STACK_BYTES;

/// Whole nodes on one virtual clock: faults drawn from a seed, every run repeatable.
#[derive(Parser)]
struct Options {
    /// One world.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Many worlds: from the first seed to before the second, as `0..1000`.
    #[arg(long, value_parser = range, default_value = "0..100")]
    seeds: Range<u64>,
    /// A line for everything that happens in the world of `--seed`.
    #[arg(long, requires = "seed")]
    verbose: bool,
    /// Threads; as many as there are cores if it is not given.
    #[arg(long)]
    threads: Option<usize>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let parsed = text.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    match parsed {
        Some((Ok(from), Ok(to))) if from < to => Ok(from..to),
        _ => Err("two numbers, as in 0..1000".into()),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match options.seed {
        Some(seed) => one(seed, options.verbose),
        None => many(options.seeds, options.threads),
    }
}

fn one(seed: u64, verbose: bool) -> ExitCode {
    // Contracts need a larger stack than a program begins with.
    let world = thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(move || {
        let lines = verbose.then(|| Box::new(io::stdout().lock()) as Box<dyn io::Write>);
        run(seed, lines)
    });
    let report = world.expect("a thread can be started").join();
    let report = report.expect("a panic has been printed");
    println!("{:#?}", report.parameters);
    print_counts(&report.counts);
    println!("trace hash {:016x}", report.trace_hash);
    tell(seed, &report)
}

fn many(seeds: Range<u64>, threads: Option<usize>) -> ExitCode {
    let started = Instant::now();
    let threads = threads.or_else(|| thread::available_parallelism().ok().map(Into::into));
    let (mut worlds, mut virtual_time, mut total) = (0_u64, 0, BTreeMap::new());
    let mut code = ExitCode::SUCCESS;
    run_seeds(seeds, threads.unwrap_or(1), |seed, report| {
        worlds += 1;
        virtual_time += report.time;
        add_counts(&mut total, &report.counts);
        if report.violation.is_some() {
            code = tell(seed, &report);
        }
        report.violation.is_none()
    });
    print_counts(&total);
    let took = started.elapsed().as_secs_f64();
    println!(
        "{worlds} worlds, {} s of virtual time, in {took:.1} s: {:.2} worlds a second",
        virtual_time / 1_000_000,
        worlds as f64 / took
    );
    code
}

fn print_counts(counts: &BTreeMap<&'static str, u64>) {
    for (what, count) in counts {
        println!("{count:>10}  {what}");
    }
}

fn tell(seed: u64, report: &Report) -> ExitCode {
    match report.failure(seed) {
        Some(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}
