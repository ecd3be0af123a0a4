//! Random calls of several members against a naive model that keeps what was accepted and looks
//! through all of it for every question.

use std::collections::BTreeMap;

use aeo::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::aeo::{
    Action, Amend, AsOf, Certify, ChangeStatus, DAY_MS, Decide, Standing, Terms,
};
use proptest::prelude::*;

use crate::{
    amend, by_number, certify, change, date, find, history, native, officer, operator, supervisor,
    terms, wasm,
};

const MEMBERS: [&str; 2] = ["uy-dna", "br-rfb"];
const NUMBERS: [&str; 2] = ["N-1", "N-2"];

/// A day of ledger time passes between two calls: effective times lie on both sides of recorded ones.
const STEP_MS: u64 = DAY_MS;

/// (index of the member, index of the number).
type Id = (usize, usize);

#[derive(Clone, Debug)]
struct Step {
    id: Id,
    operator: u8,
    action: Action,
    /// Days between ledger time and when it takes effect.
    days: i64,
    /// Days of validity, from 2025-12-01 on.
    validity: u32,
}

/// An accepted transition: when it was recorded, when it takes effect, what it changed.
#[derive(Clone)]
struct Accepted {
    recorded_ms: u64,
    effective_ms: u64,
    action: Action,
    terms: Terms,
}

#[derive(Default)]
struct Model(BTreeMap<Id, (u8, Vec<Accepted>)>);

fn first_day() -> precinto_protocol::aeo::Date {
    date("2025-12-01")
}

fn terms_until(validity: u32) -> Terms {
    let last = precinto_protocol::aeo::Date(first_day().0 + validity);
    Terms { valid_until: Some(last), ..terms() }
}

impl Model {
    /// The code of the refusal, if it is refused.
    fn act(&mut self, step: &Step, now_ms: u64, effective_ms: u64) -> Option<&'static str> {
        let starts_ms = first_day().start_ms();
        let annul = step.action == Action::Annul;
        let effective_ms = if annul { starts_ms } else { effective_ms };
        let accepted = |effective_ms| Accepted {
            recorded_ms: now_ms,
            effective_ms,
            action: step.action,
            terms: terms_until(step.validity),
        };
        let Some((operator, history)) = self.0.get_mut(&step.id) else {
            if step.action != Action::Certify {
                return Some(code::UNKNOWN_AUTHORIZATION);
            }
            self.0.insert(step.id, (step.operator, vec![accepted(starts_ms)]));
            return None;
        };
        if step.action == Action::Certify {
            return Some(code::NUMBER_TAKEN);
        }
        if *operator != step.operator {
            return Some(code::UNKNOWN_AUTHORIZATION);
        }
        let happened = |action| history.iter().any(|it| it.action == action);
        if [Action::Revoke, Action::Withdraw, Action::Annul].into_iter().any(happened) {
            return Some(code::TERMINAL_STATUS);
        }
        let changed_terms = |it: &&Accepted| matches!(it.action, Action::Certify | Action::Amend);
        let terms = &history.iter().rev().find(changed_terms)?.terms;
        let expired = terms.valid_until.is_some_and(|last| last.end_ms() <= now_ms);
        if expired && !annul {
            return Some(code::EXPIRED);
        }
        let suspensions = history.iter().filter(|it| it.action == Action::Suspend).count();
        let suspended =
            suspensions > history.iter().filter(|it| it.action == Action::Reinstate).count();
        match step.action {
            Action::Suspend if suspended => return Some(code::ALREADY_SUSPENDED),
            Action::Reinstate if !suspended => return Some(code::NOT_SUSPENDED),
            _ if effective_ms < starts_ms => return Some(code::EFFECTIVE_BEFORE_GRANT),
            Action::Amend if *terms == terms_until(step.validity) => {
                return Some(code::NOTHING_TO_AMEND);
            }
            _ => history.push(accepted(effective_ms)),
        }
        None
    }

    /// How it stood, and on what terms.
    fn standing(&self, id: Id, as_of: AsOf) -> Option<(Standing, Terms)> {
        let known = |it: &&Accepted| it.recorded_ms <= as_of.recorded_ms;
        let history = &self.0.get(&id)?.1;
        let counts = |it: &&Accepted| {
            known(it) && (it.action == Action::Certify || it.effective_ms <= as_of.effective_ms)
        };
        history.iter().find(known)?;
        let amends = |it: &&Accepted| matches!(it.action, Action::Certify | Action::Amend);
        let terms = history.iter().rev().filter(counts).find(amends)?.terms.clone();
        let status = history.iter().rev().filter(counts).find(|it| it.action != Action::Amend)?;
        let ended = terms.valid_until.is_some_and(|last| as_of.effective_ms >= last.end_ms());
        let standing = match status.action {
            Action::Revoke => Standing::Revoked,
            Action::Withdraw => Standing::Withdrawn,
            Action::Annul => Standing::Annulled,
            _ if ended => Standing::Expired,
            Action::Suspend => Standing::Suspended,
            _ if as_of.effective_ms < first_day().start_ms() => Standing::NotYetValid,
            _ => Standing::Valid,
        };
        Some((standing, terms))
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let actions = prop::sample::select(vec![
        // Some more often, so that lives are long.
        Action::Certify,
        Action::Certify,
        Action::Amend,
        Action::Amend,
        Action::Suspend,
        Action::Suspend,
        Action::Reinstate,
        Action::Reinstate,
        Action::Withdraw,
        Action::Revoke,
        Action::Annul,
    ]);
    let step = ((0usize..2, 0usize..2), 0u8..2, actions, -30i64..30, 20u32..60).prop_map(
        |(id, operator, action, days, validity)| Step { id, operator, action, days, validity },
    );
    prop::collection::vec(step, 0..50)
}

/// Calls what the step says; what needs two persons is approved at once.
fn call(ledger: &mut MockLedger, step: &Step, effective_ms: u64) -> Option<String> {
    let (tag, member, number) = (operator(step.operator), MEMBERS[step.id.0], NUMBERS[step.id.1]);
    let (officer, method) = (officer(member), step.action.name());
    let terms = terms_until(step.validity);
    let changed = ChangeStatus { effective_ms: Some(effective_ms), ..change(ledger, tag, number) };
    let result = match step.action {
        Action::Certify => {
            let args = Certify { valid_from: first_day(), terms, ..certify(tag, number) };
            ledger.call(&officer, method, &args)
        }
        Action::Amend => {
            let args =
                Amend { effective_ms: Some(effective_ms), terms, ..amend(ledger, tag, number) };
            ledger.call(&officer, method, &args)
        }
        Action::Revoke | Action::Annul => {
            let now_ms = ledger.time_ms;
            ledger.call(&officer, method, &changed).and_then(|_| {
                let proposal = crate::pending::proposal(ledger);
                let args = Decide { number: number.into(), proposal };
                ledger.time_ms = now_ms;
                ledger.call(&supervisor(member), "approve", &args)
            })
        }
        _ => ledger.call(&officer, method, &changed),
    };
    result.err().map(|failure| failure.code)
}

fn check(
    mut ledger: MockLedger,
    steps: Vec<Step>,
    asked: Vec<(i64, i64)>,
) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let start_ms = ledger.time_ms;
    for step in &steps {
        let now_ms = ledger.time_ms;
        let effective_ms = now_ms.saturating_add_signed(step.days * DAY_MS as i64);
        let refusal = call(&mut ledger, step, effective_ms);
        prop_assert_eq!(refusal.as_deref(), model.act(step, now_ms, effective_ms), "{:?}", step);
        ledger.time_ms = now_ms + STEP_MS;
    }
    let now_ms = ledger.time_ms;
    let day = |day: i64| start_ms.saturating_add_signed(day * DAY_MS as i64);
    let times = asked.into_iter().map(|(effective, recorded)| AsOf {
        effective_ms: day(effective),
        recorded_ms: day(recorded).min(now_ms),
    });
    let present = AsOf { effective_ms: now_ms, recorded_ms: now_ms };
    for as_of in times.chain([present]) {
        check_as_of(&ledger, &model, as_of)?;
    }
    Ok(())
}

fn check_as_of(ledger: &MockLedger, model: &Model, as_of: AsOf) -> Result<(), TestCaseError> {
    for (m, member) in MEMBERS.into_iter().enumerate() {
        for (n, number) in NUMBERS.into_iter().enumerate() {
            let expected = model.standing((m, n), as_of);
            let found = by_number(ledger, member, number, Some(as_of));
            let seen = found.clone().map(|it| (it.standing, it.authorization.terms));
            prop_assert_eq!(seen, expected, "{} {} {:?}", member, number, as_of);
            let Some((tag, accepted)) = model.0.get(&(m, n)) else { continue };
            let history = history(ledger, operator(*tag), member, number, 0);
            prop_assert_eq!(history.len(), accepted.len());
            // The contract answers by its time line as the history alone does.
            let recorded: Vec<_> = history
                .into_iter()
                .map(|(entry, transition)| precinto_protocol::aeo::standing::Recorded {
                    recorded_ms: entry.time_ms,
                    transition,
                })
                .collect();
            let by_history = precinto_protocol::aeo::standing(&recorded, as_of);
            prop_assert_eq!(&found, &by_history);
            let led = find(ledger, operator(*tag), None, Some(as_of));
            let led = led.into_iter().flat_map(|it| it.authorizations);
            let led = led.filter(|it| {
                it.authorization.member == member && it.authorization.number == number
            });
            prop_assert_eq!(led.collect::<Vec<_>>(), found.into_iter().collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn asked() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((-40i64..100, -2i64..52), 6)
}

proptest! {
    #[test]
    fn the_native_contract_behaves_as_the_model(steps in steps(), asked in asked()) {
        check(native(), steps, asked)?;
    }
}

proptest! {
    // Each call is an instance of its own: fewer cases keep the test short.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_module_behaves_as_the_model(steps in steps(), asked in asked()) {
        check(wasm(), steps, asked)?;
    }
}
