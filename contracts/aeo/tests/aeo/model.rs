//! Random calls of several members against a naive model of who holds what.

use std::collections::BTreeMap;

use aeo::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::aeo::{Action, AeoStatus};
use proptest::prelude::*;

use crate::{certify, change, history, native, officer, operator, status, wasm};

const MEMBERS: [&str; 2] = ["uy-dna", "br-rfb"];
const NUMBERS: [&str; 2] = ["N-1", "N-2"];
const ACTIONS: [Action; 4] = [Action::Certify, Action::Suspend, Action::Reinstate, Action::Revoke];

/// (operator, index of the member, index of the number).
type Id = (u8, usize, usize);

/// Status and number of transitions of each authorization.
#[derive(Default)]
struct Model(BTreeMap<Id, (AeoStatus, usize)>);

impl Model {
    /// The code of the refusal, if it is refused.
    fn act(&mut self, id: Id, action: Action) -> Option<&'static str> {
        let Some((status, transitions)) = self.0.get_mut(&id) else {
            if action == Action::Certify {
                self.0.insert(id, (AeoStatus::Valid, 1));
                return None;
            }
            return Some(code::UNKNOWN_AUTHORIZATION);
        };
        if action == Action::Certify {
            return Some(code::ALREADY_EXISTS);
        }
        if *status == AeoStatus::Revoked {
            return Some(code::TERMINAL_STATUS);
        }
        let next = match action {
            Action::Suspend => AeoStatus::Suspended,
            Action::Reinstate => AeoStatus::Valid,
            _ => AeoStatus::Revoked,
        };
        if next == *status {
            let suspended = *status == AeoStatus::Suspended;
            return Some(if suspended { code::ALREADY_SUSPENDED } else { code::NOT_SUSPENDED });
        }
        (*status, *transitions) = (next, *transitions + 1);
        None
    }
}

fn calls() -> impl Strategy<Value = Vec<(Id, Action)>> {
    let id = (0u8..2, 0usize..2, 0usize..2);
    prop::collection::vec((id, prop::sample::select(&ACTIONS[..])), 0..60)
}

fn check(mut ledger: MockLedger, calls: Vec<(Id, Action)>) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for (id, action) in calls {
        let (tag, member, number) = (operator(id.0), MEMBERS[id.1], NUMBERS[id.2]);
        let method = action.name();
        let result = match action {
            Action::Certify => ledger.call(&officer(member), method, &certify(tag, number)),
            _ => ledger.call(&officer(member), method, &change(&ledger, tag, number)),
        };
        let refusal = result.err().map(|failure| failure.code);
        prop_assert_eq!(refusal.as_deref(), model.act(id, action));
    }
    for tag in 0..2 {
        for (m, member) in MEMBERS.into_iter().enumerate() {
            for (n, number) in NUMBERS.into_iter().enumerate() {
                let expected = model.0.get(&(tag, m, n)).copied();
                let found = status(&ledger, operator(tag), member, number);
                prop_assert_eq!(found, expected.map(|(status, _)| status));
                let length = history(&ledger, operator(tag), member, number, 0).len();
                prop_assert_eq!(length, expected.map_or(0, |(_, transitions)| transitions));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_native_contract_behaves_as_the_model(calls in calls()) {
        check(native(), calls)?;
    }
}

proptest! {
    // Each call is an instance of its own: fewer cases keep the test short.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_module_behaves_as_the_model(calls in calls()) {
        check(wasm(), calls)?;
    }
}
