//! News of a suspension: by the program that measures it, and by the example that takes it in.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use precinto_cluster_tests::{NODES, Network, built};

/// Enough to show that it works; the figure that is reported comes of many more, on a quiet machine.
const SUSPENSIONS: &str = "10";

/// Ends with the test, whatever becomes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_suspension_is_news_at_every_node() {
    let network = Network::start().await;
    let example = built("examples/follow_suspensions")
        .arg(network.node(4).url())
        .arg(network.node(4).directory().join("tokens/auditor"))
        .arg("0")
        .stdout(Stdio::piped())
        .spawn();
    let mut example = Running(example.unwrap());

    let urls: Vec<_> = NODES.iter().map(|id| network.node(*id).url()).collect();
    let mut bench = built("precinto-news");
    bench.arg("--dir").arg(network.directory()).args(["--count", SUSPENSIONS, "--nodes"]);
    bench.arg(urls.join(","));
    let measured = tokio::task::spawn_blocking(move || bench.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&measured.stdout);
    assert!(measured.status.success(), "{text}{}", String::from_utf8_lossy(&measured.stderr));
    for way in ["in answers: p50", "in event streams: p50", "(40 measured at 4 nodes)"] {
        assert!(text.contains(way), "{text}");
    }

    // Everything happened before: the lines are there, or on their way.
    let lines = BufReader::new(example.0.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.take(10).map(Result::unwrap).collect();
    let told = lines.iter().filter(|line| line.contains(" uy-dna suspended NEWS-"));
    assert_eq!(told.count(), 10, "{lines:#?}");
}
