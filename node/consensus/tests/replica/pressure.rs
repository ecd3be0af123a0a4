//! Large transactions, full queues, slow execution.

use precinto_consensus::{
    Input, ReturnReason,
    settings::{
        APPLY_WINDOW_BYTES, MAX_QUEUED_BYTES, MAX_QUEUED_TRANSACTIONS, MAX_TRANSACTION_BYTES,
    },
};

use crate::cluster::Cluster;

fn led_by_1() -> Cluster {
    let mut cluster = Cluster::new(&[1, 2, 3], &[]);
    while cluster.leader().is_none() {
        cluster.tick(1);
        cluster.settle();
    }
    cluster
}

fn transaction(n: usize, bytes: usize) -> Vec<u8> {
    let number = n.to_string().into_bytes();
    [vec![b'0'; bytes - number.len()], number].concat()
}

fn submit(cluster: &mut Cluster, count: usize, bytes: usize) {
    for n in 0..count {
        cluster.feed(1, Input::Submit(transaction(n, bytes)));
    }
}

#[test]
fn large_transactions_keep_their_order_and_a_slow_ledger_holds_a_window_only() {
    let mut cluster = led_by_1();
    cluster.node(3).hold_apply = true;
    let count = 3 * APPLY_WINDOW_BYTES / 2 / MAX_TRANSACTION_BYTES;
    submit(&mut cluster, count, MAX_TRANSACTION_BYTES);
    cluster.settle();
    assert_eq!(cluster.node(2).transactions().len(), count);
    let waiting = cluster.node(3).bytes_to_apply();
    assert!(APPLY_WINDOW_BYTES / 2 < waiting && waiting <= APPLY_WINDOW_BYTES, "{waiting}");
    cluster.node(3).hold_apply = false;
    cluster.settle();
    let executed = cluster.node(3).transactions();
    assert!(executed.iter().enumerate().all(|(n, text)| text.parse() == Ok(n)));
    assert_eq!(executed.len(), count);
    assert!(cluster.nodes.iter().all(|node| node.alarms.is_empty()));
}

#[test]
fn a_full_queue_is_busy() {
    for bytes in [20, MAX_TRANSACTION_BYTES] {
        let mut cluster = led_by_1();
        // Nothing is committed: a bounded number of blocks goes out, the rest queues up.
        cluster.isolate(1);
        while cluster.node(1).returned.is_empty() {
            submit(&mut cluster, 1, bytes);
        }
        assert_eq!(cluster.node(1).returned[0].reason, ReturnReason::Busy);
        let status = cluster.node(1).status();
        let full = status.queued_transactions == MAX_QUEUED_TRANSACTIONS
            || status.queued_bytes + bytes > MAX_QUEUED_BYTES;
        assert!(full && status.queued_bytes <= MAX_QUEUED_BYTES);
    }
}

#[test]
fn an_oversized_transaction_is_refused() {
    let mut cluster = led_by_1();
    submit(&mut cluster, 1, MAX_TRANSACTION_BYTES + 1);
    assert_eq!(cluster.node(1).returned[0].reason, ReturnReason::TooLarge);
}
