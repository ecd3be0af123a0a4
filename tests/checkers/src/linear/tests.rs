use proptest::prelude::*;

use super::{
    search::{Finding, search},
    *,
};

type Call = RegisterCall<u32>;

fn call(invoked: u64, returned: u64, call: Call) -> Interval<Call> {
    Interval { invoked, returned: Some(returned), call }
}

fn lost(invoked: u64, call: Call) -> Interval<Call> {
    Interval { invoked, returned: None, call }
}

fn write(value: u32) -> Call {
    RegisterCall::Write(Some(value))
}

fn read(value: u32) -> Call {
    RegisterCall::Read(Some(value))
}

fn finds(history: &[Interval<Call>]) -> Finding {
    search(&Register::default(), history)
}

#[test]
fn calls_at_the_same_time_may_take_effect_in_either_order() {
    let both = [call(0, 10, write(1)), call(0, 10, write(2))];
    for last in [1, 2] {
        let history = [&both[..], &[call(11, 12, read(last))]].concat();
        assert_eq!(finds(&history), Finding::Linearizable);
    }
    let history = [&both[..], &[call(11, 12, read(1)), call(13, 14, read(2))]].concat();
    assert_eq!(finds(&history), Finding::Violated);
}

#[test]
fn a_stale_read_is_found() {
    let stale = [call(0, 1, write(1)), call(2, 3, write(2)), call(4, 5, read(1))];
    assert_eq!(finds(&stale), Finding::Violated);
    let in_time = [call(0, 1, write(1)), call(2, 5, write(2)), call(4, 6, read(1))];
    assert_eq!(finds(&in_time), Finding::Linearizable);
}

#[test]
fn a_lost_or_invented_value_is_found() {
    let lost_write = [call(0, 1, write(1)), call(2, 3, RegisterCall::Read(None))];
    assert_eq!(finds(&lost_write), Finding::Violated);
    assert_eq!(finds(&[call(2, 3, read(9))]), Finding::Violated);
    let removed =
        [call(0, 1, write(1)), call(2, 3, RegisterCall::Write(None)), call(4, 5, read(1))];
    assert_eq!(finds(&removed), Finding::Violated);
}

#[test]
fn a_call_without_an_answer_may_take_effect_late_or_never() {
    let late = [lost(0, write(1)), call(5, 6, RegisterCall::Read(None)), call(7, 8, read(1))];
    assert_eq!(finds(&late), Finding::Linearizable);
    let never = [lost(0, write(1)), call(5, 6, RegisterCall::Read(None))];
    assert_eq!(finds(&never), Finding::Linearizable);
    let taken_back = [&late[..], &[call(9, 10, RegisterCall::Read(None))]].concat();
    assert_eq!(finds(&taken_back), Finding::Violated);
    let before_it_was_made = [call(0, 1, read(1)), lost(2, write(1))];
    assert_eq!(finds(&before_it_was_made), Finding::Violated);
}

#[test]
fn a_growing_log_counts_each_append_once() {
    let append = |invoked, returned, length| Interval {
        invoked,
        returned,
        call: GrowingCall::Append(length),
    };
    let length = |at, length| Interval {
        invoked: at,
        returned: Some(at),
        call: GrowingCall::Length(length),
    };
    let good = [append(0, Some(1), Some(1)), append(2, None, None), length(5, 2)];
    assert_eq!(search(&Growing::default(), &good), Finding::Linearizable);
    let twice = [append(0, Some(1), Some(1)), length(5, 2)];
    assert_eq!(search(&Growing::default(), &twice), Finding::Violated);
    let same_place = [append(0, Some(9), Some(1)), append(0, Some(9), Some(1))];
    assert_eq!(search(&Growing::default(), &same_place), Finding::Violated);
}

#[test]
fn keys_are_searched_apart_and_the_bad_one_is_named() {
    let good = vec![call(0, 1, write(1)), call(2, 3, read(1))];
    let bad = vec![call(0, 1, write(2)), call(2, 3, read(1))];
    let check = |histories: &[(&'static str, &Vec<_>)]| {
        let histories = histories.iter().map(|(key, history)| (*key, (*history).clone()));
        check(&Register::default(), &histories.collect())
    };
    let checked = check(&[("a", &good), ("b", &good)]).expect("both are registers");
    assert_eq!(checked, Checked { calls: 4, undecided: vec![] });
    let violation = check(&[("a", &good), ("b", &bad)]).expect_err("b is none");
    assert!(violation.what.starts_with("key \"b\""), "{violation}");
}

/// Some thousand calls of some clients at once, with answers that never came.
#[test]
fn long_histories_are_searched_in_little_time() {
    let mut histories = BTreeMap::new();
    for key in 0..20_u32 {
        let mut history = Vec::new();
        for index in 0..300_u32 {
            let at = u64::from(index) * 10;
            let value = key * 1_000 + index;
            history.push(if index % 7 == 0 {
                lost(at, write(value))
            } else {
                call(at, at + 25, write(value))
            });
            history.push(call(at + 1, at + 40, read(value)));
        }
        histories.insert(key, history);
    }
    let checked = check(&Register::default(), &histories).expect("registers");
    assert_eq!(checked, Checked { calls: 12_000, undecided: vec![] });
    // One value that was overwritten long ago, at the end.
    let history = histories.get_mut(&7).expect("there");
    history.push(call(10_000, 10_001, read(7_001)));
    let violation = check(&Register::default(), &histories).expect_err("a stale read");
    assert!(violation.what.starts_with("key 7"), "{violation}");
}

/// Forty calls at once, and one that fits nowhere: too many points to look at all.
#[test]
fn a_search_that_would_not_end_is_given_up_and_said_so() {
    let mut history: Vec<_> = (0..40).map(|value| call(0, 1_000, write(value))).collect();
    history.push(call(0, 1_000, read(99)));
    assert_eq!(finds(&history), Finding::Undecided);
}

/// Whether some order of these calls is one of a register: by trying all orders.
fn by_trying(state: Option<u32>, rest: &[Interval<Call>]) -> bool {
    if rest.iter().all(|interval| interval.returned.is_none()) {
        return true;
    }
    (0..rest.len()).any(|index| {
        let mut others = rest.to_vec();
        let next = others.remove(index);
        let waits = others.iter().any(|other| other.returned.is_some_and(|at| at < next.invoked));
        !waits
            && match next.call {
                RegisterCall::Write(value) => by_trying(value, &others),
                RegisterCall::Read(value) => value == state && by_trying(state, &others),
            }
    })
}

fn interval() -> impl Strategy<Value = Interval<Call>> {
    let value = prop::option::of(0..3_u32);
    let call = prop_oneof![
        value.clone().prop_map(RegisterCall::Write),
        value.prop_map(RegisterCall::Read)
    ];
    (0..12_u64, 0..8_u64, prop::bool::weighted(0.8), call).prop_map(
        |(invoked, takes, answered, call)| {
            let answered = answered || matches!(call, RegisterCall::Read(_));
            Interval { invoked, returned: answered.then_some(invoked + takes), call }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_search_agrees_with_trying_every_order(
        history in prop::collection::vec(interval(), 0..7),
    ) {
        let expected =
            if by_trying(None, &history) { Finding::Linearizable } else { Finding::Violated };
        prop_assert_eq!(finds(&history), expected);
    }
}
