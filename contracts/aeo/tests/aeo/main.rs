//! Tests of the contract `aeo`: each runs on the contract compiled into it and on the built module.

mod fields;
mod lifecycle;
mod model;
mod queries;

use aeo::Aeo;
use minicbor::{
    Encode, Encoder,
    encode::{self, Write},
};
use precinto_contract::{
    decode_stored,
    testing::{Failure, MockLedger, signer},
};
use precinto_contract_testing::{Built, native_and_wasm};
use precinto_protocol::{
    aeo::{
        AeoStatus, AeoType, Authorization, Certify, ChangeStatus, Date, HistoryQuery,
        OperatorQuery, PublicIdentifier, Transition,
    },
    call::Signer,
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

fn operator(number: u8) -> Hash {
    Hash([number; 32])
}

/// An authorization as a member would grant it.
fn certify(operator: Hash, number: &str) -> Certify {
    Certify {
        operator,
        number: number.into(),
        types: vec![AeoType::C, AeoType::S],
        valid_from: Date::parse("2025-03-01").expect("a date"),
        valid_until: Date::parse("2028-02-29").expect("a date"),
        identifier: Some(PublicIdentifier { scheme: "rut".into(), value: "214033020011".into() }),
    }
}

/// A change that takes effect at the ledger's present time.
fn change(ledger: &MockLedger, operator: Hash, number: &str) -> ChangeStatus {
    ChangeStatus {
        operator,
        number: number.into(),
        effective_ms: ledger.time_ms,
        reason: "financial-solvency".into(),
    }
}

fn authorizations(ledger: &MockLedger, operator: Hash) -> Vec<Authorization> {
    let result = ledger.query("operator", &OperatorQuery { operator });
    decode_stored(&result.expect("a query of an operator succeeds")).expect("authorizations")
}

fn status(ledger: &MockLedger, operator: Hash, member: &str, number: &str) -> Option<AeoStatus> {
    authorizations(ledger, operator)
        .into_iter()
        .find(|found| found.member == member && found.number == number)
        .map(|found| found.status)
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
    let result = ledger.query("history", &query).expect("a query of a history succeeds");
    let entries: Vec<RecordLogEntry> = decode_stored(&result).expect("entries");
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
