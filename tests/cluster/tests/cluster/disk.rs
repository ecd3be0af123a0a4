//! A disk without room.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::Path,
    time::Duration,
};

use precinto_client::ClientError;
use precinto_cluster_tests::{
    Author, LEARNER, Load, NODES, Network, VOTERS, audit, can_make_small_disks, eventually,
};

/// Holds two databases with their preallocated logs, and the reserve.
const DISK_MIB: u64 = 320;

/// The least that may be configured.
const RESERVE: (&str, &str) = ("# reserve_mib = 256", "reserve_mib = 64");

/// The disk is looked at four times a second.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

const SOME: usize = 20;

/// Writes until there is no room at all.
fn fill(file: &Path) {
    let mut file = File::create(file).unwrap();
    let bytes = vec![7; 1024 * 1024];
    loop {
        match file.write_all(&bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_leader_whose_disk_fills_up_reads_on_gives_way_and_recovers() {
    if !can_make_small_disks() {
        eprintln!("skipped: this machine lets users mount no file systems (unshare, tmpfs)");
        return;
    }
    let mut network = Network::make().await;
    for id in VOTERS {
        network.use_small_disk(id, DISK_MIB);
        network.node(id).configure(RESERVE.0, RESERVE.1);
    }
    for id in NODES {
        network.boot(id);
    }
    network.ready(&NODES).await;
    let author = Author::enrol(&network, LEARNER).await;
    let full = network.leader_among(&VOTERS).await;
    let others: Vec<u64> = VOTERS.into_iter().filter(|id| *id != full).collect();
    let own = author.certify("OWN");
    let clients = [others[0], others[1], LEARNER].map(|id| network.client(id));
    let mut load = Load::start(author, clients.into());
    load.goes_on(SOME).await;

    let filler = network.node(full).data_in_use().join("filler");
    let filled = filler.clone();
    tokio::task::spawn_blocking(move || fill(&filled)).await.unwrap();
    let client = network.client(full);
    eventually("the node says that its disk is full", NOTICED_WITHIN, async || {
        let told = client.readiness().await.ok()?;
        (told.disk_full && !told.ready).then_some(())
    })
    .await;
    assert_ne!(network.leader_among(&others).await, full);
    load.goes_on(SOME).await;

    // It answers what it knows, takes nothing and acknowledges nothing.
    let refused = client.submit(&own, None).await.unwrap_err();
    let ClientError::Problem(problem) = &refused else { panic!("{refused:?}") };
    assert_eq!((&problem.code[..], problem.status, problem.retryable), ("disk-full", 503, true));
    let height = network.status(full).await.as_of.height;
    load.goes_on(SOME).await;
    assert_eq!(network.status(full).await.as_of.height, height);
    assert!(client.block(height).await.is_ok());
    let metrics = network.node(full).metrics().await;
    assert_eq!(metrics.value("precinto_disk_full"), 1.0);
    assert_eq!(metrics.value("precinto_alarms_total{kind=\"disk-full\"}"), 1.0);

    std::fs::remove_file(&filler).unwrap();
    network.ready(&[full]).await;
    load.goes_on(SOME).await;
    let acknowledged = load.finish().await;
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
    assert!(network.node(full).log().contains("there is room on the disk again"));
}
