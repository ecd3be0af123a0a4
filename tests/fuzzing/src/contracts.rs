//! Contracts, compiled natively and as built modules: the same calls give the same answers, events
//! and state. The engine, the guest side of the interface and the compilers are what differs.

mod aeo;
mod governance;
mod probe;

use minicbor::{
    Encode, Encoder,
    encode::{self, Write},
};
use precinto_contract::{
    Contract,
    testing::{MockLedger, signer},
};
use precinto_contract_testing::Built;
use precinto_protocol::{call::Signer, identity::Role, outcome::code};

use crate::take::Take;

pub(crate) use self::{aeo::aeo, governance::governance, probe::probe};

/// Calls and queries of one run at most.
const MOST_STEPS: usize = 16;

/// Members that call, few, so that they meet.
const MEMBERS: [&str; 3] = ["br-rfb", "pe-sunat", "uy-dna"];

/// One call or query.
struct Step {
    method: &'static str,
    args: Vec<u8>,
    query: bool,
}

/// Encoded arguments.
struct Raw<'a>(&'a [u8]);

impl<C> Encode<C> for Raw<'_> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.writer_mut().write_all(self.0).map_err(encode::Error::write)
    }
}

/// Runs the steps that `step` reads on both forms of a contract, from the state that `begin` makes.
fn compare<C: Contract + 'static>(
    name: &'static str,
    bytes: &[u8],
    begin: impl Fn(&mut MockLedger),
    step: impl Fn(&mut Take<'_>, &MockLedger) -> Step,
) {
    let mut take = Take::new(bytes);
    let (mut native, mut wasm) = (MockLedger::native::<C>(), MockLedger::new(Built(name)));
    [&mut native, &mut wasm].into_iter().for_each(begin);
    for _ in 0..MOST_STEPS {
        if take.is_empty() {
            return;
        }
        let signers = signers(&mut take);
        let Step { method, args, query } = step(&mut take, &native);
        // Once in a while, something else than the method takes.
        let args = if take.below(16) == 15 { take.bytes(64) } else { args };
        let run = |ledger: &mut MockLedger| match query {
            true => ledger.query(method, &Raw(&args)),
            false => ledger.call(&signers, method, &Raw(&args)),
        };
        let (expected, found) = (run(&mut native), run(&mut wasm));
        if found.as_ref().is_err_and(|failure| failure.code == code::OUT_OF_FUEL) {
            // Natively there is no fuel.
            return;
        }
        assert_eq!(found, expected, "{method} with {args:02x?} by {signers:?}");
        assert_eq!(wasm.events(), native.events(), "{method}");
        assert!(wasm.host().has_state_of(native.host()), "{method} leaves another state");
    }
}

/// One or two persons or nodes of a few members.
fn signers(take: &mut Take<'_>) -> Vec<Signer> {
    let roles = [Role::Officer, Role::Supervisor, Role::Admin, Role::Node];
    let mut signers = vec![signer(take.one(&MEMBERS), &[take.one(&roles)])];
    if take.below(4) == 3 {
        let second = signer(take.one(&MEMBERS), &[take.one(&roles)]);
        signers.push(Signer { pseudonym: Some([take.below(2) as u8; 16]), ..second });
    }
    signers
}
