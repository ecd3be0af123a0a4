//! Importing lists by the command line.

use std::{path::Path, process::Output};

use precinto_client::{Consistency, types::ListFilter};
use precinto_cluster_tests::Network;

const HEADER: &str =
    "scheme,identifier,number,types,roles,valid_from,valid_until,consent,publish\n";
const GOOD: &str = "uy-rut,214033020011,UY-1,AEOC,importer,2026-01-01,2028-12-31,yes,yes\n";
const ALSO_GOOD: &str =
    "uy-rut,214055320018,UY-2,AEOC+AEOS,importer+exporter,2026-01-01,2028-12-31,yes,no\n";
/// No such day, an unknown type, a field too few.
const BAD: &str = "uy-rut,214033020011,UY-3,AEOC,importer,2026-02-30,2028-12-31,yes,yes\n\
                   uy-rut,214033020011,UY-4,AEOX,importer,2026-01-01,2028-12-31,yes,yes\n\
                   uy-rut,214033020011,UY-5,AEOC,importer,2026-01-01,2028-12-31,yes\n";

fn import(network: &Network, file: &Path, options: &[&str]) -> Output {
    let mut command = network.program().command(["--at", "uy-dna", "--dir"]);
    command.arg(network.directory()).args(["aeo", "import"]).arg(file).args(options);
    command.output().unwrap()
}

async fn holders(network: &Network) -> usize {
    let list = network.client(1).aeo_list(&ListFilter::default(), None, None).await.unwrap();
    list.authorizations.len()
}

#[tokio::test]
async fn a_list_with_bad_rows_is_imported_only_without_them() {
    let network = Network::start().await;
    let file = network.root().join("list.csv");
    std::fs::write(&file, [HEADER, GOOD, BAD, ALSO_GOOD].concat()).unwrap();

    let refused = import(&network, &file, &[]);
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    for (line, reason) in [(3, "2026-02-30"), (4, "AEOX"), (5, "8 fields instead of 9")] {
        let place = format!("list.csv:{line}: ");
        let reported = errors.lines().find(|text| text.contains(&place));
        let reported = reported.unwrap_or_else(|| panic!("line {line} in {errors}"));
        assert!(reported.contains(reason), "{reported}");
    }
    assert!(errors.contains("nothing was imported: 3 of 5 rows are bad"), "{errors}");
    assert_eq!(holders(&network).await, 0);

    let skipped = import(&network, &file, &["--skip-bad"]);
    let text = String::from_utf8_lossy(&skipped.stdout);
    assert!(skipped.status.success(), "{text}{}", String::from_utf8_lossy(&skipped.stderr));
    assert!(text.contains("Imported 2 of 2 rows"), "{text}");
    assert_eq!(holders(&network).await, 2);

    // Once more: what is on the ledger stays as it is.
    let again = import(&network, &file, &["--skip-bad"]);
    let text = String::from_utf8_lossy(&again.stdout);
    assert!(text.contains("(2 were on the ledger already)"), "{text}");
    let client = network.client(1);
    let history = client.aeo_history("uy-dna", "UY-1", 0, None).await.unwrap();
    assert_eq!(history.entries.len(), 1);
    let unpublished = client.aeo_find("uy-rut", "214055320018", Consistency::Local).await.unwrap();
    let found = unpublished.authorizations().next().unwrap();
    assert_eq!(found.authorization.terms.identifier, None);
}
