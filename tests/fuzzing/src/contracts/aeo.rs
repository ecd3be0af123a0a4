//! The contract `aeo`: a few operators, numbers, members and arrangements, and everything that can
//! be done to them.

use ::aeo::Aeo;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{
        AcceptMra, AeoType, AliasMode, Amend, AsOf, BenefitQuery, Certify, ChangeStatus, DAY_MS,
        Date, Decide, DeclareAlias, LeaveMra, MraTerms, PairActivation, ProposeMra,
        PublicIdentifier, ReasonClass, RetireAlias, Standing, SupplyChainRole, Terms,
        query::{
            AliasesQuery, FindQuery, HistoryQuery, ListFilter, ListQuery, MraQuery, MrasQuery,
            NumberQuery, PendingQuery,
        },
    },
    cbor,
    hash::{Hash, tagged},
    transaction::TransactionId,
};

use super::{MEMBERS, Step, compare};
use crate::take::Take;

pub(crate) fn aeo(bytes: &[u8]) {
    compare::<Aeo>("aeo", bytes, |_| {}, step);
}

fn step(take: &mut Take<'_>, ledger: &MockLedger) -> Step {
    let now_ms = ledger.time_ms;
    // Half of all steps make something there is to ask about.
    match take.below(4) {
        0 => granting(take, now_ms),
        1 => changing(take, now_ms, ledger.height()),
        2 => arranging(take, now_ms),
        _ => asking(take, now_ms),
    }
}

fn call(method: &'static str, args: &impl minicbor::Encode<()>) -> Step {
    Step { method, args: cbor::encode(args), query: false }
}

fn query(method: &'static str, args: &impl minicbor::Encode<()>) -> Step {
    Step { method, args: cbor::encode(args), query: true }
}

fn granting(take: &mut Take<'_>, now_ms: u64) -> Step {
    let (operator, number) = (operator(take), number(take));
    match take.below(3) {
        0 | 1 => {
            let valid_from = date(take, now_ms);
            call("certify", &Certify { operator, number, valid_from, terms: terms(take, now_ms) })
        }
        _ => {
            let (effective_ms, terms) = (effective(take, now_ms), terms(take, now_ms));
            call("amend", &Amend { operator, number, effective_ms, terms })
        }
    }
}

fn changing(take: &mut Take<'_>, now_ms: u64, height: u64) -> Step {
    let number = number(take);
    if take.below(4) == 3 {
        // Proposals are named by their transaction: the mock's is made of the height.
        let height = height.saturating_sub(take.below(4) as u64);
        let id = tagged("precinto/test-transaction", &[&height.to_be_bytes()]);
        let decision = Decide { number, proposal: TransactionId(id) };
        return call(take.one(&["approve", "decline"]), &decision);
    }
    let methods = ["suspend", "reinstate", "withdraw", "revoke", "annul"];
    call(
        take.one(&methods),
        &ChangeStatus {
            operator: operator(take),
            number,
            effective_ms: effective(take, now_ms),
            class: take.one(ReasonClass::ALL),
            reference: take.one(&["", "RG-12/2026", "\u{e9}\n"]).repeat(1 + take.below(20)),
        },
    )
}

fn arranging(take: &mut Take<'_>, now_ms: u64) -> Step {
    let id: String = take.one(&["sur", "norte", "", "Not An Id"]).into();
    match take.below(6) {
        0 => call(
            "declare-alias",
            &DeclareAlias {
                alias: operator(take),
                operator: operator(take),
                mode: take.one(AliasMode::ALL),
                identifier: take.option(identifier),
            },
        ),
        1 => call("retire-alias", &RetireAlias { alias: operator(take), operator: operator(take) }),
        2 | 3 => call("propose-mra", &ProposeMra { id, terms: mra_terms(take, now_ms) }),
        4 => call("accept-mra", &AcceptMra { id }),
        _ => {
            let effective_ms = effective(take, now_ms).unwrap_or_default();
            call("leave-mra", &LeaveMra { id, effective_ms })
        }
    }
}

fn asking(take: &mut Take<'_>, now_ms: u64) -> Step {
    let as_of = take.option(|take| AsOf {
        effective_ms: effective(take, now_ms).unwrap_or(now_ms),
        recorded_ms: effective(take, now_ms).unwrap_or(now_ms),
    });
    let limit = take.one(&[1, 2, 100, 0, u32::MAX]);
    match take.below(9) {
        0 => query("find", &FindQuery { tag: operator(take), viewer: take.option(member), as_of }),
        1 => query("number", &NumberQuery { member: member(take), number: number(take), as_of }),
        2 => query(
            "history",
            &HistoryQuery {
                operator: operator(take),
                member: member(take),
                number: number(take),
                from: take.below(4) as u64,
            },
        ),
        3 => query(
            "list",
            &ListQuery { filter: filter(take, now_ms), as_of, after: take.bytes(40), limit },
        ),
        4 => query("aliases", &AliasesQuery { operator: operator(take) }),
        5 => query("pending", &PendingQuery { member: member(take), after: take.bytes(40), limit }),
        6 => query("mra", &MraQuery { id: "sur".into() }),
        7 => query("mras", &MrasQuery { after: take.one(&["", "n", "sur"]).into(), limit }),
        _ => query(
            "benefit",
            &BenefitQuery {
                mra: take.one(&["sur", "norte"]).into(),
                member: member(take),
                partner: member(take),
                tag: operator(take),
                aeo_type: take.one(AeoType::ALL),
                role: take.one(SupplyChainRole::ALL),
                as_of,
            },
        ),
    }
}

fn operator(take: &mut Take<'_>) -> Hash {
    Hash([take.below(3) as u8; 32])
}

fn number(take: &mut Take<'_>) -> String {
    take.one(&["1", "2", "UY-AEO-7", "", "a number that is too long"]).into()
}

fn member(take: &mut Take<'_>) -> String {
    take.one(&MEMBERS).into()
}

fn identifier(take: &mut Take<'_>) -> PublicIdentifier {
    let scheme = take.one(&["uy-rut", "br-cnpj", "lei", "no-scheme"]).into();
    let value = take.one(&["214033020011", "11222333000181", "", "12"]).into();
    PublicIdentifier { scheme, value }
}

fn date(take: &mut Take<'_>, now_ms: u64) -> Date {
    match take.below(5) {
        0 => Date::of_ms(now_ms),
        1 => Date::of_ms(now_ms + 400 * DAY_MS),
        2 => Date::of_ms(now_ms - 400 * DAY_MS),
        3 => Date::LAST,
        _ => Date(take.any()),
    }
}

/// Absent, ledger time, or more or less.
fn effective(take: &mut Take<'_>, now_ms: u64) -> Option<u64> {
    match take.below(6) {
        0 => None,
        1 => Some(now_ms),
        2 => Some(now_ms - 1_000),
        3 => Some(now_ms - 30 * DAY_MS),
        4 => Some(now_ms + 5_000),
        _ => Some(take.any()),
    }
}

fn terms(take: &mut Take<'_>, now_ms: u64) -> Terms {
    Terms {
        types: take.list(2, |take| take.one(AeoType::ALL)),
        roles: take.list(2, |take| take.one(SupplyChainRole::ALL)),
        valid_until: take.option(|take| date(take, now_ms)),
        consent: take.any(),
        identifier: take.option(identifier),
        record: take.option(|_| Hash([9; 32])),
    }
}

fn mra_terms(take: &mut Take<'_>, now_ms: u64) -> MraTerms {
    let mut parties = take.list(3, member);
    // Sorted and unique is what is asked for, most of the time.
    if take.below(4) != 3 {
        parties.sort();
        parties.dedup();
    }
    MraTerms {
        parties,
        types: take.list(2, |take| take.one(AeoType::ALL)),
        roles: take.list(2, |take| take.one(SupplyChainRole::ALL)),
        needs_consent: take.any(),
        valid_from: date(take, now_ms),
        valid_until: take.option(|take| date(take, now_ms)),
        activations: take.list(2, |take| PairActivation {
            a: member(take),
            b: member(take),
            from: date(take, now_ms),
        }),
        text: take.option(|_| Hash([8; 32])),
    }
}

fn filter(take: &mut Take<'_>, now_ms: u64) -> ListFilter {
    ListFilter {
        member: take.option(member),
        standing: take.option(|take| take.one(Standing::ALL)),
        aeo_type: take.option(|take| take.one(AeoType::ALL)),
        role: take.option(|take| take.one(SupplyChainRole::ALL)),
        mra: take.option(|take| take.one(&["sur", "norte"]).into()),
        ends_by: take.option(|take| date(take, now_ms)),
    }
}
