//! A ledger of one contract: state that outlives calls.

use alloc::{boxed::Box, string::String, vec::Vec};

use minicbor::Encode;
use precinto_protocol::{
    call::{CallContext, ContractInput, Signer},
    cbor,
    hash::{Hash, tagged},
    identity::{KeyId, Role},
    transaction::TransactionId,
};

use super::{ContractRunner, Entry, Failure, MockHost, Native};
use crate::Contract;

/// Time of the first block, milliseconds since 1970: a date people recognize in failures,
/// 2026-01-01.
const START_MS: u64 = 1_767_225_600_000;

/// Ledger time between two calls.
const STEP_MS: u64 = 1_000;

const CHANNEL: Hash = Hash([0xcc; 32]);

/// Id of the contract under test.
const CONTRACT: u32 = 7;

/// Runs one contract call by call, each in a block of its own, and keeps its state. A call that
/// fails leaves nothing.
pub struct MockLedger {
    runner: Box<dyn ContractRunner>,
    host: MockHost,
    height: u64,
    /// Time of the next block, milliseconds since 1970; a call moves it on by one second.
    pub time_ms: u64,
}

impl MockLedger {
    /// An empty ledger of the contract that `runner` runs.
    pub fn new(runner: impl ContractRunner + 'static) -> MockLedger {
        let host = MockHost::new(context(0, START_MS, &[]));
        MockLedger { runner: Box::new(runner), host, height: 0, time_ms: START_MS }
    }

    /// An empty ledger of a contract compiled into the test.
    pub fn native<C: Contract + 'static>() -> MockLedger {
        MockLedger::new(Native::<C>::new())
    }

    /// Executes a transaction of `signers` (the author first) and returns the encoded result.
    ///
    /// # Errors
    /// The contract's rejection or the host's refusal; the state is as before.
    pub fn call<A: Encode<()>>(
        &mut self,
        signers: &[Signer],
        method: &str,
        args: &A,
    ) -> Result<Vec<u8>, Failure> {
        self.height += 1;
        let context = context(self.height, self.time_ms, signers);
        self.time_ms += STEP_MS;
        let mut host = self.host.next_call(context, false);
        let result = self.runner.run(&mut host, Entry::Call, &input(method, args))?;
        self.host = host;
        Ok(result)
    }

    /// Queries the current state and returns the encoded result.
    ///
    /// # Errors
    /// The contract's rejection or the host's refusal.
    pub fn query<A: Encode<()>>(&self, method: &str, args: &A) -> Result<Vec<u8>, Failure> {
        let context = context(self.height, self.time_ms, &[]);
        let mut host = self.host.next_call(context, true);
        self.runner.run(&mut host, Entry::Query, &input(method, args))
    }

    /// What the last successful call emitted: (topic, payload).
    pub fn events(&self) -> &[(String, Vec<u8>)] {
        self.host.events()
    }

    /// The host with the state as the last successful call left it, to look into it.
    pub fn host(&mut self) -> &mut MockHost {
        &mut self.host
    }

    /// The channel: what signatures are made for.
    pub fn channel(&self) -> Hash {
        CHANNEL
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.height
    }
}

/// A signer of `member` with these roles, and a key id made of both.
pub fn signer(member: &str, roles: &[Role]) -> Signer {
    let names: Vec<u8> = roles.iter().flat_map(|role| role.name().bytes()).collect();
    Signer {
        key_id: KeyId(tagged("precinto/test-key", &[member.as_bytes(), &[0], &names])),
        member: member.into(),
        roles: roles.into(),
        pseudonym: None,
    }
}

fn input<A: Encode<()>>(method: &str, args: &A) -> ContractInput {
    ContractInput { method: method.into(), args: cbor::encode(args) }
}

fn context(height: u64, time_ms: u64, signers: &[Signer]) -> CallContext {
    let id = tagged("precinto/test-transaction", &[&height.to_be_bytes()]);
    CallContext {
        channel: CHANNEL,
        height,
        index: 0,
        time_ms,
        transaction: (!signers.is_empty()).then_some(TransactionId(id)),
        signers: signers.into(),
        contract: CONTRACT,
    }
}
