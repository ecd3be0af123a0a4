//! Importing lists by the command line.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use precinto_client::{Consistency, types::ListFilter};
use precinto_cluster_tests::{NODES, Network, audit, eventually};

const HEADER: &str =
    "scheme,identifier,number,types,roles,valid_from,valid_until,consent,publish\n";
const GOOD: &str = "uy-rut,214033020011,UY-1,AEOC,importer,2026-01-01,2028-12-31,yes,yes\n";
const ALSO_GOOD: &str =
    "uy-rut,214055320018,UY-2,AEOC+AEOS,importer+exporter,2026-01-01,2028-12-31,yes,no\n";
/// No such day, an unknown type, a field too few.
const BAD: &str = "uy-rut,214033020011,UY-3,AEOC,importer,2026-02-30,2028-12-31,yes,yes\n\
                   uy-rut,214033020011,UY-4,AEOX,importer,2026-01-01,2028-12-31,yes,yes\n\
                   uy-rut,214033020011,UY-5,AEOC,importer,2026-01-01,2028-12-31,yes\n";

/// The list of the size.
const MANY: usize = 10_000;

/// Rows of the list whose import is killed: several requests' worth.
const KILLED: usize = 4_000;

fn aeo(network: &Network, args: &[&str]) -> Command {
    let mut command = network.program().command(["--at", "uy-dna", "--dir"]);
    command.arg(network.directory()).arg("aeo").args(args);
    command
}

fn import(network: &Network, file: &Path, options: &[&str]) -> Output {
    aeo(network, &["import"]).arg(file).args(options).output().unwrap()
}

/// What a successful import prints.
fn imported(network: &Network, file: &Path, options: &[&str]) -> String {
    let output = import(network, file, options);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A list of operators with DUNS numbers.
fn list(network: &Network, rows: usize) -> PathBuf {
    let mut text = HEADER.to_owned();
    for row in 1..=rows {
        writeln!(text, "duns,{row:09},UY-{row},AEOS,exporter,2026-01-01,,yes,no").unwrap();
    }
    let file = network.root().join("many.csv");
    std::fs::write(&file, text).unwrap();
    file
}

/// Transactions committed so far.
async fn granted(network: &Network) -> u64 {
    let client = network.client(1);
    let (mut from, mut committed) = (1, 0);
    loop {
        let page = client.blocks(Some(from), Some(100)).await.unwrap().blocks;
        let Some(last) = page.last() else { return committed };
        from = last.height + 1;
        committed += page.iter().map(|block| u64::from(block.committed)).sum::<u64>();
    }
}

#[tokio::test]
async fn a_list_with_bad_rows_is_imported_only_without_them() {
    let network = Network::start().await;
    let file = network.root().join("list.csv");
    std::fs::write(&file, [HEADER, GOOD, BAD, ALSO_GOOD].concat()).unwrap();
    let all = network.root().join("errors.csv");

    let refused = import(&network, &file, &["--errors", all.to_str().unwrap()]);
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    for (line, reason) in [(3, "2026-02-30"), (4, "AEOX"), (5, "8 fields instead of 9")] {
        let place = format!("list.csv:{line}: ");
        let reported = errors.lines().find(|text| text.contains(&place));
        let reported = reported.unwrap_or_else(|| panic!("line {line} in {errors}"));
        assert!(reported.contains(reason), "{reported}");
    }
    assert!(errors.contains("nothing was imported: 3 of 5 rows are bad [bad-rows]"), "{errors}");
    assert_eq!(std::fs::read_to_string(&all).unwrap().lines().count(), 1 + 3);
    assert_eq!(granted(&network).await, 0);

    let text = imported(&network, &file, &["--skip-bad"]);
    assert!(text.contains("Imported 2 of 2 rows"), "{text}");
    assert_eq!(granted(&network).await, 2);

    // Once more: what is on the ledger stays as it is.
    let text = imported(&network, &file, &["--skip-bad"]);
    assert!(text.contains("2 rows: 0 new, 0 to amend, 2 unchanged, 0 in conflict"), "{text}");
    assert_eq!(granted(&network).await, 2);
    let client = network.client(1);
    let unpublished = client.aeo_find("uy-rut", "214055320018", Consistency::Local).await.unwrap();
    let authorization = &unpublished.authorizations().next().unwrap().authorization;
    assert_eq!(authorization.terms.identifier, None);
}

#[tokio::test]
async fn only_the_difference_to_the_ledger_is_written() {
    let network = Network::start().await;
    let file = network.root().join("list.csv");
    std::fs::write(&file, [HEADER, GOOD, ALSO_GOOD].concat()).unwrap();
    imported(&network, &file, &[]);

    // What an export writes is no difference.
    for format in ["csv", "jsonl"] {
        let export = network.root().join(format!("export.{format}"));
        let done = aeo(&network, &["export", "--format", format, "--output"]).arg(&export).output();
        assert!(done.unwrap().status.success());
        let text = imported(&network, &export, &["--report-missing"]);
        assert!(text.contains("2 rows: 0 new, 0 to amend, 2 unchanged, 0 in conflict"), "{text}");
    }

    // Another validity, another operator under a known number, a new one; one is missing.
    let longer = GOOD.replace("2028-12-31", "2030-12-31");
    let taken = "duns,150483782,UY-2,AEOS,exporter,2026-01-01,,no,no\n";
    let new = "duns,150483782,UY-9,AEOS,exporter,2026-01-01,,no,no\n";
    std::fs::write(&file, [HEADER, &longer, taken, new].concat()).unwrap();
    let compared = import(&network, &file, &["--diff", "--report-missing", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&compared.stdout).unwrap();
    assert_eq!(report["to_amend"][0]["changes"][0]["field"], "valid_until", "{report}");
    assert_eq!(report["conflicts"][0]["line"], 3, "{report}");
    assert_eq!(report["new"][0]["number"], "UY-9", "{report}");
    assert_eq!((granted(&network).await, compared.status.code()), (2, Some(1)));

    let kept = import(&network, &file, &["--no-amend"]);
    assert_eq!((granted(&network).await, kept.status.code()), (3, Some(1)));
    import(&network, &file, &[]);
    let client = network.client(1);
    let amended = client.aeo_number("uy-dna", "UY-1", Consistency::Local).await.unwrap();
    let terms = amended.authorization.authorization.terms;
    assert_eq!(terms.valid_until.as_deref(), Some("2030-12-31"));
    assert!(terms.identifier.is_some(), "it stays published");

    std::fs::write(&file, [HEADER, new].concat()).unwrap();
    let text = imported(&network, &file, &["--report-missing"]);
    assert!(text.contains("UY-1: on the ledger, not in the list"), "{text}");
    assert_eq!(granted(&network).await, 4, "two grants, a new one and an amendment");
}

#[tokio::test]
async fn an_import_that_was_killed_is_started_again_and_nothing_is_lost_or_doubled() {
    let network = Network::start().await;
    let file = list(&network, KILLED);
    let mut first = aeo(&network, &["import"]).arg(&file).stdout(Stdio::null()).spawn().unwrap();
    eventually("the first rows are granted", Duration::from_secs(30), async || {
        (granted(&network).await > 0).then_some(())
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(granted(&network).await < KILLED as u64, "it was killed after its work");

    imported(&network, &file, &[]);
    audit::assert_agreement(&network, &NODES).await;
    // A grant for every row, none twice: rows in flight when it was killed are among them.
    assert_eq!(granted(&network).await, KILLED as u64);
    // What is exported has lookup tags alone, and is still no difference.
    let export = network.root().join("export.csv");
    assert!(aeo(&network, &["export", "-o"]).arg(&export).status().unwrap().success());
    for list in [file, export] {
        let text = imported(&network, &list, &[]);
        assert!(text.contains(&format!("0 new, 0 to amend, {KILLED} unchanged")), "{text}");
    }
}

#[tokio::test]
async fn ten_thousand_rows_are_imported() {
    let network = Network::start().await;
    let file = list(&network, MANY);
    let began = Instant::now();
    let text = imported(&network, &file, &[]);
    let took = began.elapsed();
    assert!(text.contains(&format!("Imported {MANY} of {MANY} rows")), "{text}");
    assert!(took < Duration::from_secs(120), "{took:?}: {text}");
    let filter = ListFilter { member: Some("uy-dna".into()), ..ListFilter::default() };
    let page = network.client(2).aeo_list(&filter, None, Some(100)).await.unwrap();
    assert_eq!((page.authorizations.len(), page.next.is_some()), (100, true));
}
