//! Tests of the contract `aeo`: each runs on the contract compiled into it and on the built module.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod aliases;
mod benefit;
mod fields;
mod fuel;
mod lifecycle;
mod model;
mod mra;
mod pending;
mod queries;

use aeo::Aeo;
use minicbor::{
    Decode, Encode, Encoder,
    encode::{self, Write},
};
use precinto_contract::{
    decode_stored,
    testing::{Failure, MockLedger, signer},
};
use precinto_contract_testing::{Built, native_and_wasm};
use precinto_protocol::{
    aeo::{
        AeoStatus, AeoType, Amend, AsOf, Certify, ChangeStatus, Date, PublicIdentifier,
        ReasonClass, StandingAuthorization, SupplyChainRole, Terms, Transition,
        query::{FindAnswer, FindQuery, FoundOperator, HistoryQuery, NumberQuery},
    },
    call::Signer,
    cbor,
    hash::Hash,
    identity::Role,
    state::RecordLogEntry,
};

fn native() -> MockLedger {
    MockLedger::native::<Aeo>()
}

fn wasm() -> MockLedger {
    MockLedger::new(Built("aeo"))
}

fn officer(member: &str) -> [Signer; 1] {
    [signer(member, &[Role::Officer])]
}

/// A supervisor: another key of the member.
fn supervisor(member: &str) -> [Signer; 1] {
    [signer(member, &[Role::Supervisor])]
}

/// An officer for whom the member's node signs.
fn on_behalf(member: &str, pseudonym: u8) -> [Signer; 1] {
    [Signer { pseudonym: Some([pseudonym; 16]), ..signer(member, &[Role::Node]) }]
}

fn operator(number: u8) -> Hash {
    Hash([number; 32])
}

fn date(text: &str) -> Date {
    Date::parse(text).expect("a date")
}

fn terms() -> Terms {
    Terms {
        types: vec![AeoType::C, AeoType::S],
        roles: vec![SupplyChainRole::Importer, SupplyChainRole::Exporter],
        valid_until: Some(date("2028-02-29")),
        consent: true,
        identifier: Some(PublicIdentifier {
            scheme: "uy-rut".into(),
            value: "214033020011".into(),
        }),
        record: Some(Hash([9; 32])),
    }
}

/// An authorization as a member would grant it.
fn certify(operator: Hash, number: &str) -> Certify {
    Certify { operator, number: number.into(), valid_from: date("2025-03-01"), terms: terms() }
}

/// Other terms from now on.
fn amend(ledger: &MockLedger, operator: Hash, number: &str) -> Amend {
    let terms = Terms { consent: false, ..terms() };
    Amend { operator, number: number.into(), effective_ms: Some(ledger.time_ms), terms }
}

/// A change that takes effect at the ledger's present time.
fn change(ledger: &MockLedger, operator: Hash, number: &str) -> ChangeStatus {
    ChangeStatus {
        operator,
        number: number.into(),
        effective_ms: Some(ledger.time_ms),
        class: ReasonClass::Solvency,
        reference: "RG-12/2026".into(),
    }
}

/// The decoded answer of a query that succeeds.
fn ask<A: Encode<()>, R>(ledger: &MockLedger, method: &str, args: &A) -> R
where
    R: for<'b> Decode<'b, ()> + Encode<()>,
{
    let answer = ledger.query(method, args).unwrap_or_else(|failure| panic!("{method}: {failure}"));
    cbor::decode(&answer).expect("of the query's result type")
}

fn find(
    ledger: &MockLedger,
    tag: Hash,
    viewer: Option<&str>,
    as_of: Option<AsOf>,
) -> Vec<FoundOperator> {
    let query = FindQuery { tag, viewer: viewer.map(Into::into), as_of };
    ask::<_, FindAnswer>(ledger, "find", &query).operators
}

/// What stands at present under an operator's own tag.
fn authorizations(ledger: &MockLedger, operator: Hash) -> Vec<StandingAuthorization> {
    let found = find(ledger, operator, None, None).into_iter();
    found.filter(|found| found.operator == operator).flat_map(|it| it.authorizations).collect()
}

fn by_number(
    ledger: &MockLedger,
    member: &str,
    number: &str,
    as_of: Option<AsOf>,
) -> Option<StandingAuthorization> {
    let query = NumberQuery { member: member.into(), number: number.into(), as_of };
    ask(ledger, "number", &query)
}

fn status(ledger: &MockLedger, member: &str, number: &str) -> Option<AeoStatus> {
    by_number(ledger, member, number, None).map(|found| found.authorization.status)
}

/// Entries of an authorization's history from an index on, with the decoded transitions.
fn history(
    ledger: &MockLedger,
    operator: Hash,
    member: &str,
    number: &str,
    from: u64,
) -> Vec<(RecordLogEntry, Transition)> {
    let query = HistoryQuery { operator, member: member.into(), number: number.into(), from };
    let entries: Vec<RecordLogEntry> = ask(ledger, "history", &query);
    let decode = |entry: RecordLogEntry| {
        let transition = decode_stored(&entry.payload).expect("a transition");
        (entry, transition)
    };
    entries.into_iter().map(decode).collect()
}

fn code_of<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.expect_err("must be refused").code
}

/// Arguments that are these bytes.
struct Raw(Vec<u8>);

impl<C> Encode<C> for Raw {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.writer_mut().write_all(&self.0).map_err(encode::Error::write)
    }
}
