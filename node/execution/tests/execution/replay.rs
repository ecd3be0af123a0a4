//! A transaction is executed at most once, and what guards it goes when its time is over.

use precinto_execution::ItemFate;
use precinto_protocol::registry::SystemKey;

use crate::chain::*;

fn replay_entries(chain: &Chain) -> usize {
    let prefix = SystemKey::replays();
    chain.view.plain.keys().filter(|key| prefix.is_prefix_of(key)).count()
}

#[test]
fn a_duplicate_leaves_nothing_in_its_block_in_later_ones_and_after_its_expiry() {
    let mut chain = Chain::new();
    let draft = chain.draft("i", "counter", &[]);
    let effects = chain.block(&[draft.clone(), draft.clone()]);
    let fates = [ItemFate::Executed(draft.id()), ItemFate::Duplicate(draft.id())];
    assert_eq!(effects.fates, fates);
    let effects = chain.block(std::slice::from_ref(&draft));
    assert_eq!(nothing_left(&effects), ItemFate::Duplicate(draft.id()));
    let last = draft.call.expires_ms;
    let effects = chain.block_at(last, std::slice::from_ref(&draft));
    assert_eq!(nothing_left(&effects), ItemFate::Duplicate(draft.id()));
    let effects = chain.block_at(last + 1, std::slice::from_ref(&draft));
    assert_eq!(effects.fates, [ItemFate::Expired(draft.id())]);
    assert_eq!(chain.value("counter"), Some(&[1][..]));
}

#[test]
fn replay_entries_are_removed_when_their_time_is_over() {
    let mut chain = Chain::new();
    let expiries = [5_000, 5_001, 5_001, 7_000].map(|ms| START_MS + ms);
    let drafts: Vec<Draft> = expiries
        .iter()
        .map(|&ms| chain.draft("w", "k", b"v").with(|call| call.expires_ms = ms))
        .collect();
    chain.block(&drafts);
    assert_eq!(replay_entries(&chain), 4);
    for (time_ms, left) in [(5_000, 4), (5_001, 3), (5_002, 1), (6_000, 1), (7_001, 0)] {
        chain.block_at(START_MS + time_ms, &[]);
        assert_eq!(replay_entries(&chain), left, "at {time_ms}");
    }
}

#[test]
fn a_restored_ledger_knows_what_was_executed() {
    let mut chain = Chain::new();
    let draft = chain.draft("i", "counter", &[]);
    chain.block(std::slice::from_ref(&draft));
    let mut other = chain.restored();
    let effects = other.block(std::slice::from_ref(&draft));
    assert_eq!(nothing_left(&effects), ItemFate::Duplicate(draft.id()));
}
