//! Admission says before ordering what execution would say after it.

use precinto_execution::{Admission, AdmissionError, BlockEffects, ItemFate};
use precinto_protocol::{
    identity::Role,
    outcome::{Outcome, VoidReason},
    transaction::{Transaction, TransactionError},
};

use crate::chain::*;

fn admitted(chain: &Chain, item: &[u8]) -> Result<Transaction, AdmissionError> {
    let time_ms = chain.time_ms() + STEP_MS;
    Admission::new(&chain.view, &chain.keys, chain.channel, time_ms)?.admit(item)
}

/// What execution makes of an item, in words of admission.
fn executed(effects: &BlockEffects) -> Result<(), String> {
    match effects.fates[0] {
        ItemFate::Void(reason) => Err(reason.code().into()),
        ItemFate::Expired(_) => Err("expired".into()),
        ItemFate::Duplicate(_) => Err("duplicate".into()),
        ItemFate::Executed(_) => match &outcome(effects).outcome {
            Outcome::Committed => Ok(()),
            Outcome::Rejected { code } => Err(code.clone()),
        },
    }
}

#[test]
fn admission_and_execution_agree() {
    let mut chain = Chain::new();
    let done = chain.draft("w", "done", b"v");
    chain.block(std::slice::from_ref(&done));
    let mut forged = chain.draft("w", "k", b"v").encode();
    let last = forged.len() - 2;
    forged[last] ^= 1;
    let time_ms = chain.time_ms();
    let draft = |chain: &mut Chain| chain.draft("w", "k", b"v");
    let items = [
        ("", draft(&mut chain).encode()),
        ("", chain.draft("m", "k", b"v").endorsed_by(&[OFFICER_PE]).encode()),
        ("", draft(&mut chain).on_behalf(Role::Officer).encode()),
        ("malformed", vec![0x80]),
        ("wrong-channel", draft(&mut chain).with(|call| call.channel.0[0] ^= 1).encode()),
        ("unknown-identity", draft(&mut chain).by(STRANGER).encode()),
        ("bad-signature", forged),
        ("expired", draft(&mut chain).with(|call| call.expires_ms = time_ms).encode()),
        ("expiry-too-far", draft(&mut chain).with(|call| call.expires_ms *= 100).encode()),
        ("duplicate", done.encode()),
        ("identity-expired", draft(&mut chain).by(EXPIRED).encode()),
        ("not-a-node", draft(&mut chain).on_behalf(Role::Officer).by(OFFICER_PE).encode()),
        ("unknown-contract", draft(&mut chain).with(|call| call.contract = "x".into()).encode()),
        ("contract-changed", draft(&mut chain).with(|call| call.contract_version = 9).encode()),
        ("unknown-method", chain.draft("x", "k", b"v").encode()),
        ("endorsements-do-not-meet-policy", chain.draft("m", "k", b"v").encode()),
    ];
    for (code, item) in items {
        let early = admitted(&chain, &item);
        match &early {
            Ok(transaction) => assert_eq!((code, transaction.encode()), ("", item.clone())),
            Err(error) => {
                assert_eq!(error.code(), code);
                assert!(!error.hint().is_empty() && !error.to_string().is_empty());
            }
        }
        let effects = chain.restored().item(item);
        assert_eq!(executed(&effects), early.map(|_| ()).map_err(|error| error.code().into()));
    }
}

#[test]
fn errors_carry_what_is_known() {
    let mut chain = Chain::new();
    let malformed = admitted(&chain, &[0x80]);
    assert!(matches!(malformed, Err(AdmissionError::Malformed(TransactionError::Encoding(_)))));
    let draft = chain.draft("w", "k", b"v");
    chain.block(std::slice::from_ref(&draft));
    assert_eq!(admitted(&chain, &draft.encode()), Err(AdmissionError::Duplicate(draft.id())));
    let stranger = chain.draft("w", "k", b"v").by(STRANGER).encode();
    let refused = Err(AdmissionError::Void(VoidReason::UnknownIdentity));
    assert_eq!(admitted(&chain, &stranger), refused);
    chain.view.broken = true;
    let unavailable = admitted(&chain, &draft.encode()).map_err(|error| error.code());
    assert_eq!(unavailable, Err("state-unavailable"));
}
