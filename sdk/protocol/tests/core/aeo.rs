//! Authorizations and what follows from them.

use minicbor::{Decode, Encode};
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, Alias, AliasMode, AsOf, BenefitAnswer, BenefitQuery, Mra, PendingAction,
        Scheme, Transition,
        benefit::benefit,
        identifier::IdentifierError,
        standing::{Moment, Recorded, standing},
    },
    cbor,
};
use serde_json::Value;

use crate::{bytes, hash, list, number, text, vectors};

/// The decoded value, which encodes to the same bytes.
fn decoded<T: for<'b> Decode<'b, ()> + Encode<()>>(value: &Value) -> T {
    cbor::decode(&bytes(value)).unwrap()
}

fn history(vectors: &Value) -> Vec<Recorded> {
    let recorded = |it: &Value| Recorded {
        recorded_ms: number(&it["recorded_ms"]),
        transition: decoded(&it["transition"]),
    };
    list(&vectors["history"]).iter().map(recorded).collect()
}

#[test]
fn transitions_declarations_and_arrangements_have_the_encoding_of_the_vectors() {
    let vectors = vectors!("aeo");
    let operator = hash(&vectors["operator"]);
    let time_ms: u64 = number(&vectors["time_ms"]);
    let history = history(&vectors);
    let actions: Vec<_> = history.iter().map(|it| it.transition.action).collect();
    use Action::{Amend, Certify, Reinstate, Revoke, Suspend};
    assert_eq!(actions, [Certify, Suspend, Amend, Reinstate, Amend, Revoke]);
    let Transition { authorization, proposed_by, by, .. } = &history[5].transition;
    assert_eq!((authorization.operator, authorization.status), (operator, AeoStatus::Revoked));
    assert_eq!(authorization.terms.identifier, None);
    assert_eq!(proposed_by.unwrap().pseudonym, Some(*b"pppppppppppppppp"));
    assert!(by.is_other_than(&proposed_by.unwrap()));

    let alias: Alias = decoded(&vectors["alias"]);
    assert_eq!((alias.alias, alias.mode), (hash(&vectors["alias_tag"]), AliasMode::Receiver));
    let modes = [time_ms - 1, time_ms, time_ms + 1, time_ms + 2].map(|at| alias.mode_at(at));
    assert_eq!(modes, [None, Some(AliasMode::Sender), None, Some(AliasMode::Receiver)]);
    let pending: PendingAction = decoded(&vectors["pending"]);
    assert_eq!((pending.action, pending.proposed_ms), (Action::Annul, time_ms));
    let mra: Mra = decoded(&vectors["mra"]);
    assert_eq!((mra.acceptances.len(), mra.departures.len()), (3, 1));
}

#[test]
fn an_authorization_stood_as_the_vectors_say() {
    let vectors = vectors!("aeo");
    let history = history(&vectors);
    let moments: Vec<_> = history.iter().map(Moment::of).collect();
    let line = bytes(&vectors["time_line"]);
    assert_eq!(Moment::encode_line(&moments), line);
    assert_eq!(Moment::decode_line(&line), Some(moments));
    for vector in list(&vectors["standings"]) {
        let as_of = AsOf {
            effective_ms: number(&vector["effective_ms"]),
            recorded_ms: number(&vector["recorded_ms"]),
        };
        let stood = standing(&history, as_of);
        assert_eq!(stood.as_ref().map(|it| it.standing.name()), vector["standing"].as_str());
        assert_eq!(stood.as_ref().map(|it| it.since_ms), vector["since_ms"].as_u64());
        let encoded = stood.as_ref().map(|it| hex::encode(cbor::encode(it)));
        assert_eq!(encoded.as_deref(), vector["encoded"].as_str(), "{as_of:?}");
    }
}

#[test]
fn what_is_recorded_alone_decides_once_it_is_settled() {
    let vectors = vectors!("aeo");
    let history = history(&vectors);
    for known in 1..=history.len() {
        let last = &history[known - 1].transition.authorization;
        for vector in list(&vectors["standings"]) {
            let effective_ms = number(&vector["effective_ms"]);
            let as_of = AsOf { effective_ms, recorded_ms: history[known - 1].recorded_ms };
            if last.is_settled(as_of) {
                let alone = Some(last.clone().stand(effective_ms));
                assert_eq!(alone, standing(&history, as_of), "{known} {as_of:?}");
            }
        }
    }
}

#[test]
fn time_lines_of_other_shapes_are_refused() {
    let line = bytes(&vectors!("aeo")["time_line"]);
    assert_eq!(Moment::decode_line(&line[1..]), None);
    let unknown = [&line[..16], &[AeoStatus::ALL.len() as u8]].concat();
    assert_eq!(Moment::decode_line(&unknown), None);
}

#[test]
fn benefits_are_due_as_the_vectors_say() {
    let vectors = vectors!("aeo");
    let history = history(&vectors);
    let mra: Mra = decoded(&vectors["mra"]);
    for vector in list(&vectors["benefits"]) {
        let query: BenefitQuery = decoded(&vector["query"]);
        let as_of = query.as_of.unwrap();
        let stood: Vec<_> = standing(&history, as_of).into_iter().collect();
        let answer = benefit(&query, as_of, Some(&mra), &stood);
        assert_eq!(answer.reason.name(), text(&vector["reason"]), "{query:?}");
        assert_eq!(answer.since_ms, vector["since_ms"].as_u64(), "{query:?}");
        assert_eq!(answer, decoded::<BenefitAnswer>(&vector["answer"]));
        let none = benefit(&query, as_of, None, &stood);
        assert_eq!(none.reason.name(), "unknown-mra");
    }
}

#[test]
fn check_digits_are_those_of_the_vectors() {
    for vector in list(&vectors!("aeo")["check_digits"]) {
        let scheme: Scheme = text(&vector["scheme"]).parse().unwrap();
        for good in list(&vector["good"]) {
            let good = text(good);
            assert_eq!(scheme.normalize(good).as_deref(), Ok(good), "{scheme}");
            let (body, check) = good.split_at(good.len() - 1);
            for wrong in ('0'..='9').filter(|digit| !check.contains(*digit)) {
                let refused = scheme.normalize(&format!("{body}{wrong}"));
                let is_found = matches!(refused, Err(IdentifierError::CheckDigit { .. }));
                assert!(is_found, "{scheme} {body}{wrong}: {refused:?}");
            }
        }
    }
}
