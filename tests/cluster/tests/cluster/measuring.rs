//! The load generator, which starts a network of its own.

use precinto_cluster_tests::{Network, built};
use serde_json::Value;

#[tokio::test]
async fn a_workload_is_measured_on_a_network_made_for_it() {
    // Not started: it holds the place of the one that is.
    let place = Network::make().await;
    let out = place.root().join("point.json");
    let mut load = built("precinto-load");
    load.env("TMPDIR", place.root()).args(["point", "--mix", "certify=1,status=1"]);
    load.args(["--rate", "50", "--clients", "8", "--seconds", "1", "--records", "20", "--out"]);
    load.arg(&out);
    let measured = tokio::task::spawn_blocking(move || load.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{said}");

    let point: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    let done = |index: usize| point["done"][index]["done"].as_u64().unwrap();
    // Every request that was due, and no other.
    assert_eq!(done(0) + done(1), 50, "{point}");
    assert!(done(0) > 5 && done(1) > 5, "{point}");
    let nodes = point["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    for node in nodes {
        assert!(node["cpu_us"].as_f64().unwrap() > 0.0, "{node}");
        assert!(node["threads_us"]["apply"].is_number(), "{node}");
        assert!(node["rss_bytes"].as_u64().unwrap() > 10_000_000, "{node}");
    }
}
