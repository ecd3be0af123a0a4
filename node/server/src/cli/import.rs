//! `precinto aeo import`: a list of authorizations from a CSV file.

use std::path::Path;

use anyhow::{Context, bail};
use precinto_client::{
    Client, Problem,
    types::{BatchMode, BatchRow, CertifyRequest, ItemAnswer},
};

use super::{WAIT, output, target::Target};

/// The columns, in any order.
const COLUMNS: [&str; 9] = [
    "scheme",
    "identifier",
    "number",
    "types",
    "roles",
    "valid_from",
    "valid_until",
    "consent",
    "publish",
];

/// Rows per request: the most that the interface takes.
const BATCH: usize = 1000;

/// Bad rows shown at most; the count tells of the others.
const MAX_SHOWN: usize = 50;

/// What to do about bad rows.
#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// Import the good rows although others are bad
    #[arg(long)]
    skip_bad: bool,
}

/// A row and the line it came from.
struct Row {
    line: u64,
    request: CertifyRequest,
}

/// A row that is not imported.
struct BadRow {
    line: u64,
    reason: String,
}

/// Checks every row, then imports. Rows that are on the ledger already are left as they are, so an
/// import can be repeated.
pub async fn import(target: &Target, file: &Path, options: &Options) -> anyhow::Result<()> {
    let (rows, mut bad) = read(file)?;
    let client = target.client()?;
    let mut good = Vec::with_capacity(rows.len());
    for batch in rows.chunks(BATCH) {
        check(&client, batch, &mut good, &mut bad).await?;
    }
    if !bad.is_empty() {
        report(file, &mut bad);
        if !options.skip_bad {
            bail!(
                "nothing was imported: {} of {} rows are bad; correct them, or import the others \
                 with --skip-bad",
                bad.len(),
                bad.len() + good.len()
            );
        }
    }
    let mut done = Done::default();
    for batch in good.chunks(BATCH) {
        submit(&client, batch, &mut done).await?;
    }
    output::line(format_args!(
        "Imported {} of {} rows from {} ({} were on the ledger already)",
        done.imported,
        good.len(),
        file.display(),
        done.known
    ));
    if !done.failed.is_empty() {
        report(file, &mut done.failed);
        bail!("{} rows were not imported; import the file again", done.failed.len());
    }
    Ok(())
}

/// The first good row of a list.
pub fn first(file: &Path) -> Option<CertifyRequest> {
    read(file).ok()?.0.into_iter().next().map(|row| row.request)
}

fn read(file: &Path) -> anyhow::Result<(Vec<Row>, Vec<BadRow>)> {
    let name = file.display();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("cannot read {name}"))?;
    let headers = reader.headers().with_context(|| format!("{name}, line 1"))?.clone();
    let columns = columns(&headers).with_context(|| format!("{name}, line 1"))?;
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                bad.push(BadRow { line, reason: error.to_string() });
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(&record, headers.len(), &columns) {
            Ok(request) => rows.push(Row { line, request }),
            Err(reason) => bad.push(BadRow { line, reason }),
        }
    }
    if rows.is_empty() && bad.is_empty() {
        bail!("{name} has no rows");
    }
    Ok((rows, bad))
}

/// Position of each of [`COLUMNS`]; an unknown or missing one refuses the file.
fn columns(headers: &csv::StringRecord) -> anyhow::Result<[usize; 9]> {
    let mut problems = Vec::new();
    for header in headers {
        if !COLUMNS.contains(&header) {
            problems.push(format!("unknown column {header:?}"));
        }
    }
    let positions = COLUMNS.map(|column| {
        let position = headers.iter().position(|header| header == column);
        position.unwrap_or_else(|| {
            problems.push(format!("missing column {column:?}"));
            0
        })
    });
    if !problems.is_empty() {
        bail!("{}; expected the columns {}", problems.join(", "), COLUMNS.join(","));
    }
    Ok(positions)
}

fn row(
    record: &csv::StringRecord,
    width: usize,
    columns: &[usize; 9],
) -> Result<CertifyRequest, String> {
    if record.len() != width {
        return Err(format!("{} fields instead of {width}", record.len()));
    }
    let [scheme, identifier, number, types, roles, from, until, consent, publish] =
        columns.map(|at| &record[at]);
    let list = |text: &str| text.split('+').map(str::to_owned).collect();
    Ok(CertifyRequest {
        scheme: scheme.into(),
        identifier: identifier.into(),
        number: number.into(),
        types: list(types),
        roles: list(roles),
        valid_from: from.into(),
        valid_until: (!until.is_empty()).then(|| until.into()),
        consent: yes_or_no("consent", consent)?,
        publish: yes_or_no("publish", publish)?,
        record: None,
    })
}

fn yes_or_no(column: &str, text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("{column}: expected yes or no, found {other:?}")),
    }
}

fn requests<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<BatchRow> {
    rows.into_iter().map(|row| BatchRow::Certify(row.request.clone())).collect()
}

/// Lets the node check the rows, without submitting any.
async fn check<'a>(
    client: &Client,
    batch: &'a [Row],
    good: &mut Vec<&'a Row>,
    bad: &mut Vec<BadRow>,
) -> anyhow::Result<()> {
    let answer = client.aeo_batch(&requests(batch), BatchMode::Check, None).await?;
    for (row, result) in batch.iter().zip(answer.results) {
        match result.map(ItemAnswer::into_result) {
            Some(Err(problem)) => bad.push(bad_row(row.line, &problem)),
            Some(Ok(_)) | None => good.push(row),
        }
    }
    Ok(())
}

fn bad_row(line: u64, problem: &Problem) -> BadRow {
    BadRow { line, reason: format!("{} [{}] {}", problem.detail, problem.code, problem.hint) }
}

#[derive(Default)]
struct Done {
    imported: usize,
    known: usize,
    failed: Vec<BadRow>,
}

async fn submit(client: &Client, batch: &[&Row], done: &mut Done) -> anyhow::Result<()> {
    let requests = requests(batch.iter().copied());
    let answer = client.aeo_batch(&requests, BatchMode::SkipBad, Some(WAIT)).await?;
    for (row, result) in batch.iter().zip(answer.results) {
        match result.map(ItemAnswer::into_result) {
            Some(Ok(transaction)) if transaction.height.is_some() => done.imported += 1,
            Some(Ok(transaction)) => done.failed.push(BadRow {
                line: row.line,
                reason: format!("transaction {} is still {}", transaction.id, transaction.status),
            }),
            Some(Err(problem)) if problem.code == "number-taken" => done.known += 1,
            Some(Err(problem)) => done.failed.push(bad_row(row.line, &problem)),
            None => done.failed.push(BadRow { line: row.line, reason: "no answer".into() }),
        }
    }
    Ok(())
}

fn report(file: &Path, rows: &mut [BadRow]) {
    rows.sort_by_key(|row| row.line);
    for row in rows.iter().take(MAX_SHOWN) {
        output::notice(format_args!("{}:{}: {}", file.display(), row.line, row.reason));
    }
    if rows.len() > MAX_SHOWN {
        output::notice(format_args!("... and {} more", rows.len() - MAX_SHOWN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> anyhow::Result<(Vec<Row>, Vec<BadRow>)> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list.csv");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn rows_keep_their_lines_and_bad_ones_their_reasons() {
        let (rows, bad) = read_text(
            "number,scheme,identifier,types,roles,valid_from,valid_until,consent,publish\n\
             N-1, uy-rut ,211000010018,AEOC+AEOS,importer+exporter,2026-01-01,,yes,yes\n\
             N-2,uy-rut,1,AEOC,importer,2026-01-01\n\
             N-3,uy-rut,1,AEOC,importer,2026-01-01,2027-01-01,perhaps,no\n\
             N-4,uy-rut,1,AEOC,importer,2026-01-01,2027-01-01,no,no\n",
        )
        .unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(rows[0].request.scheme, "uy-rut");
        assert_eq!(rows[0].request.types, ["AEOC", "AEOS"]);
        assert_eq!(rows[0].request.valid_until, None);
        let reasons: Vec<_> = bad.iter().map(|row| (row.line, row.reason.as_str())).collect();
        assert_eq!(reasons[0], (3, "6 fields instead of 9"));
        assert_eq!(reasons[1].0, 4);
        assert!(reasons[1].1.contains("perhaps"));
    }

    #[test]
    fn unknown_and_missing_columns_refuse_the_file() {
        let error = read_text("scheme,name,identifier,number,types,valid_from,valid_until\n").err();
        let error = format!("{:#}", error.unwrap());
        assert!(error.contains("unknown column \"name\""), "{error}");
        assert!(error.contains("missing column \"publish\""), "{error}");
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert!(read_text(&COLUMNS.join(",")).is_err());
    }
}
