//! Comparing a list with the ledger and writing the difference.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use precinto_client::{Client, ClientError, Problem};
use precinto_protocol::hash::Hash;

use super::{
    Options,
    difference::{Ledger, Verdict, missing},
    ledger::{self, Write},
    report::{Report, print_errors},
    row::{Row, RowError},
};
use crate::cli::{output, progress::Progress};

/// Rows per request: so many that requests cost little, so few that the progress is seen.
const BATCH: usize = 250;

/// Requests at once: while one is ordered the next is on its way.
const IN_FLIGHT: usize = 4;

/// Looks at the ledger in a row without a row being done, after which an import gives up. With the
/// pauses between them as long as an election may take.
const MAX_STALLED: u32 = 8;

/// Pause before another look.
const PAUSE: Duration = Duration::from_secs(1);

/// Codes that say that the ledger has, or may have, what a row wants: an earlier run that was killed
/// wrote it after this one had read the ledger.
const PERHAPS_DONE: [&str; 3] = ["number-taken", "nothing-to-amend", "duplicate"];

/// An import of rows that are as they must be.
pub struct Import<'a> {
    client: Client,
    member: String,
    rows: &'a [Row],
    /// Lookup tag of each row's identifier.
    tags: Vec<Option<Hash>>,
}

/// What became of a row that was sent.
enum Fate {
    Done,
    /// The ledger must be looked at again.
    Open,
    Refused(Box<Problem>),
}

impl<'a> Import<'a> {
    /// An import of `rows` at the node of `client`, for its member.
    pub async fn new(client: Client, rows: &'a [Row]) -> Result<Import<'a>, ClientError> {
        let member = client.status().await?.member;
        let tags = ledger::tags(&client, rows).await?;
        Ok(Import { client, member, rows, tags })
    }

    /// Compares, and writes the difference unless that is not wanted.
    pub async fn run(
        &self,
        options: &Options,
        mut report: Report,
        talk: bool,
    ) -> anyhow::Result<Report> {
        let ledger = ledger::read(&self.client, &self.member).await?;
        let mut open = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let verdict = self.verdict(at, &ledger);
            match verdict {
                Verdict::New => open.push(at),
                Verdict::Amend(_) if !options.no_amend => open.push(at),
                _ => {}
            }
            report.note(row, verdict);
        }
        if options.report_missing {
            let missing = missing(self.rows, &ledger);
            report.missing = Some(missing.into_iter().map(str::to_owned).collect());
        }
        if talk {
            report.print_difference();
        }
        if !options.dry_run {
            self.write(open, ledger, &mut report, talk).await?;
        }
        Ok(report)
    }

    fn verdict(&self, at: usize, ledger: &Ledger) -> Verdict {
        Verdict::of(&self.rows[at], self.tags[at], ledger)
    }

    /// Writes rows until each is done or refused.
    async fn write(
        &self,
        mut open: Vec<usize>,
        mut ledger: Ledger,
        report: &mut Report,
        talk: bool,
    ) -> anyhow::Result<()> {
        let (began, wanted) = (Instant::now(), open.len());
        let mut progress = Progress::new("Importing", Some(wanted), talk);
        let mut stalled = 0;
        while !open.is_empty() {
            let before = open.len();
            open = self.send(open, &ledger, report, &mut progress).await?;
            if open.is_empty() {
                break;
            }
            stalled = if open.len() < before { 0 } else { stalled + 1 };
            if stalled > MAX_STALLED {
                report.unfinished = open.len();
                break;
            }
            tokio::time::sleep(PAUSE).await;
            match ledger::read(&self.client, &self.member).await {
                Ok(read) => ledger = read,
                Err(error) if error.retryable() => continue,
                Err(error) => return Err(error.into()),
            }
            open = self.still_open(open, &ledger, report, &mut progress);
        }
        drop(progress);
        if talk {
            print_errors(&report.file, &report.refused);
            let (done, seconds) = (report.done, began.elapsed().as_secs_f64());
            let rate = done as f64 / seconds.max(0.001);
            output::line(format_args!(
                "Imported {done} of {wanted} rows in {seconds:.1} s ({rate:.0} rows/s)"
            ));
        }
        Ok(())
    }

    /// Sends rows; those that must be looked at again.
    async fn send(
        &self,
        open: Vec<usize>,
        ledger: &Ledger,
        report: &mut Report,
        progress: &mut Progress,
    ) -> anyhow::Result<Vec<usize>> {
        let batches = open.chunks(BATCH).map(|batch| self.send_batch(batch, ledger));
        let mut batches = stream::iter(batches).buffer_unordered(IN_FLIGHT);
        let mut again = BTreeSet::new();
        while let Some(fates) = batches.next().await {
            let fates = fates?;
            let settled = fates.iter().filter(|(_, fate)| !matches!(fate, Fate::Open)).count();
            progress.add(settled);
            for (at, fate) in fates {
                match fate {
                    Fate::Done => report.done += 1,
                    Fate::Open => drop(again.insert(at)),
                    Fate::Refused(problem) => {
                        report.refused.push(refused(&self.rows[at], &problem));
                    }
                }
            }
        }
        Ok(again.into_iter().collect())
    }

    async fn send_batch(
        &self,
        batch: &[usize],
        ledger: &Ledger,
    ) -> Result<Vec<(usize, Fate)>, ClientError> {
        let writes: Vec<Write> = batch
            .iter()
            .map(|&at| {
                let row = &self.rows[at];
                Write { row, amends: ledger.get(&row.number) }
            })
            .collect();
        match ledger::write(&self.client, &writes).await {
            Ok(answers) => Ok(batch.iter().copied().zip(answers.into_iter().map(fate)).collect()),
            // What a broken connection carried may have been ordered.
            Err(error) if error.retryable() => {
                Ok(batch.iter().map(|&at| (at, Fate::Open)).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// The rows that the ledger still does not have.
    fn still_open(
        &self,
        open: Vec<usize>,
        ledger: &Ledger,
        report: &mut Report,
        progress: &mut Progress,
    ) -> Vec<usize> {
        let mut still = Vec::new();
        for at in open {
            match self.verdict(at, ledger) {
                Verdict::New | Verdict::Amend(_) => still.push(at),
                Verdict::Unchanged => {
                    report.done += 1;
                    progress.add(1);
                }
                conflict @ Verdict::Conflict { .. } => report.note(&self.rows[at], conflict),
            }
        }
        still
    }
}

/// What an answer says of a row.
fn fate(answer: Result<bool, Box<Problem>>) -> Fate {
    match answer {
        Ok(true) => Fate::Done,
        Ok(false) => Fate::Open,
        Err(problem) if problem.retryable || PERHAPS_DONE.contains(&problem.code.as_str()) => {
            Fate::Open
        }
        Err(problem) => Fate::Refused(problem),
    }
}

fn refused(row: &Row, problem: &Problem) -> RowError {
    let reason = format!("{} [{}]", problem.detail, problem.code);
    RowError {
        field: "number".into(),
        value: row.number.clone(),
        ..RowError::of_row(row.line, reason, problem.hint.clone())
    }
}
