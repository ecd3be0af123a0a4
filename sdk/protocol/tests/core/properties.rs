//! What holds for every value and all bytes.

use std::fmt::Debug;

use minicbor::{Decode, Encode};
use precinto_protocol::{
    block::Block,
    cbor,
    genesis::Genesis,
    leaf::{BlockLeaf, OutcomeLeaf},
    limits::MAX_STATEMENT_BYTES,
    statement::Statement,
    transaction::Transaction,
};
use proptest::{collection::vec, prelude::*};

use crate::strategies::{
    Change, block_leaves, blocks, changes, geneses, leader, outcome_leaves, signed,
};

/// Decodes `bytes` as everything: nothing panics, and what is accepted has this one encoding.
fn decode_as_everything(bytes: &[u8]) {
    fn accepted<T, E>(bytes: &[u8], decoded: Result<T, E>, encode: impl Fn(&T) -> Vec<u8>) {
        if let Ok(value) = decoded {
            assert_eq!(encode(&value), bytes);
        }
    }
    accepted(bytes, Statement::decode(bytes), Statement::encode);
    accepted(bytes, Transaction::decode(bytes), Transaction::encode);
    accepted(bytes, Block::decode(bytes), Block::encode);
    accepted(bytes, cbor::decode::<OutcomeLeaf>(bytes), cbor::encode);
    accepted(bytes, cbor::decode::<BlockLeaf>(bytes), cbor::encode);
    accepted(bytes, cbor::decode::<Genesis>(bytes), cbor::encode);
}

fn round_trips<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let encoded = cbor::encode(value);
    prop_assert_eq!(&cbor::decode::<T>(&encoded).unwrap(), value);
    Ok(())
}

/// Which of the leaf kinds `bytes` can be decoded as.
fn kinds(bytes: &[u8]) -> [bool; 3] {
    [
        Statement::decode(bytes).is_ok(),
        cbor::decode::<OutcomeLeaf>(bytes).is_ok(),
        cbor::decode::<BlockLeaf>(bytes).is_ok(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn transactions_round_trip_with_their_ids_and_signatures(signed in signed()) {
        let transaction = &signed.transaction;
        let decoded = Transaction::decode(&transaction.encode()).unwrap();
        prop_assert_eq!(decoded.id(), transaction.id());
        prop_assert!(signed.authenticates(&decoded));
        prop_assert_eq!(&decoded, transaction);
        let statement = Statement::decode(&transaction.statement.encode());
        prop_assert_eq!(statement.as_ref(), Ok(&transaction.statement));
    }

    #[test]
    fn a_changed_transaction_is_refused_or_not_signed(signed in signed(), change in changes()) {
        let changed = change.of(&signed.transaction.encode());
        if let Ok(decoded) = Transaction::decode(&changed) {
            prop_assert!(!signed.authenticates(&decoded));
        }
    }

    #[test]
    fn blocks_round_trip(block in blocks()) {
        let decoded = Block::decode(&block.encode()).unwrap();
        prop_assert_eq!(decoded.verify(&leader().public()), Ok(()));
        prop_assert_eq!(decoded.content(), block.content());
        prop_assert_eq!(decoded, block);
    }

    #[test]
    fn a_changed_block_is_refused_or_not_signed(block in blocks(), change in changes()) {
        if let Ok(decoded) = Block::decode(&change.of(&block.encode())) {
            prop_assert!(decoded.verify(&leader().public()).is_err());
        }
    }

    #[test]
    fn leaves_and_genesis_round_trip(
        outcome in outcome_leaves(),
        block in block_leaves(),
        genesis in geneses(),
    ) {
        round_trips(&outcome)?;
        round_trips(&block)?;
        round_trips(&genesis)?;
    }

    #[test]
    fn no_leaf_is_one_of_another_kind(
        signed in signed(),
        outcome in outcome_leaves(),
        block in block_leaves(),
        change in changes(),
    ) {
        let leaves = [
            signed.transaction.statement.encode(),
            cbor::encode(&outcome),
            cbor::encode(&block),
        ];
        for (kind, leaf) in leaves.iter().enumerate() {
            let itself = [0, 1, 2].map(|other| other == kind);
            prop_assert_eq!(kinds(leaf), itself);
            // Nor does one changed byte make it one.
            let changed = kinds(&change.of(leaf));
            prop_assert!(changed == itself || changed == [false; 3]);
        }
    }

    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        decode_as_everything(&bytes);
    }

    #[test]
    fn almost_valid_bytes_never_panic_and_have_one_encoding(
        signed in signed(),
        block in blocks(),
        outcome in outcome_leaves(),
        leaf in block_leaves(),
        genesis in geneses(),
        changes in vec(changes(), 1..4),
    ) {
        let valid = [
            signed.transaction.encode(),
            signed.transaction.statement.encode(),
            block.encode(),
            cbor::encode(&outcome),
            cbor::encode(&leaf),
            cbor::encode(&genesis),
        ];
        for bytes in valid {
            decode_as_everything(&changes.iter().fold(bytes, |b, change| Change::of(change, &b)));
        }
    }
}

#[test]
fn claimed_lengths_and_deep_nesting_cost_nothing() {
    // An item that claims 2^64 - 1 bytes or elements, in every major type, alone and as a field.
    for major in 2..=5_u8 {
        let claim = [&[major << 5 | 27][..], &[0xff; 8]].concat();
        for prefix in [&[][..], &[0x82], &[0x83], &[0x88], &[0x8c, 1, 1], &[0xd2, 0x84]] {
            decode_as_everything(&[prefix, &claim].concat());
        }
    }
    for opening in [0x81, 0x82, 0x9f, 0xa1, 0xbf, 0xd2, 0x5f] {
        let nested = vec![opening; MAX_STATEMENT_BYTES];
        decode_as_everything(&nested);
        // As a surplus element, which a decoder skips.
        decode_as_everything(&[&[0x89, 0x01][..], &nested].concat());
        decode_as_everything(&[&[0x83, 0x40, 0x80][..], &nested].concat());
    }
}
