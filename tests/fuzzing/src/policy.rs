//! Endorsement policies: the parser, and its decisions against all subsets tried one by one.

use precinto_protocol::{
    call::Signer,
    hash::Hash,
    identity::{KeyId, Role},
    policy::Policy,
};

use crate::take::Take;

/// Signers and candidates at most: every subset of the candidates is tried.
const MOST: usize = 5;

/// Words of which a policy that parses is likely.
const WORDS: &[&str] = &[
    "owner",
    "others",
    "members",
    "anyone",
    "1 of",
    "2 of",
    "3 of",
    "9 of",
    ".officer",
    ".supervisor",
    ".node",
    "and",
    "or",
    "(",
    ")",
];

/// A text as it comes, or made of words, is parsed; what parses decides about signers.
pub(crate) fn policy(bytes: &[u8]) {
    let mut take = Take::new(bytes);
    let made = take.any::<bool>();
    // The author signs in any case.
    let signers = people(1, &mut take);
    let candidates = people(0, &mut take);
    let text = if made {
        take.list(24, |take| take.one(WORDS)).join(" ").replace(" .", ".")
    } else {
        String::from_utf8_lossy(take.rest()).into_owned()
    };
    let Ok(policy) = text.parse::<Policy>() else { return };
    assert_eq!(policy.to_string().parse::<Policy>().as_ref(), Ok(&policy), "{text:?}");
    decide(&policy, &signers, &candidates);
}

/// At least `least`, each with another key.
fn people(least: usize, take: &mut Take<'_>) -> Vec<Signer> {
    let mut people: Vec<Signer> = Vec::new();
    for _ in 0..least + take.below(MOST) {
        let one = signer(take);
        if people.iter().all(|other| other.key_id != one.key_id) {
            people.push(one);
        }
    }
    people
}

/// Few members, roles and keys, so that they coincide.
fn signer(take: &mut Take<'_>) -> Signer {
    let member = take.one(&["uy", "pe", "cl"]);
    let roles = take.list(2, |take| take.one(&[Role::Node, Role::Officer, Role::Supervisor]));
    let key_id = KeyId(Hash([take.any::<u8>() % 8; 32]));
    Signer { key_id, member: member.into(), roles, pseudonym: None }
}

fn decide(policy: &Policy, signers: &[Signer], candidates: &[Signer]) {
    let completion = policy.completion(signers, candidates);
    assert_eq!(policy.is_met_by(signers), completion.as_deref() == Some(&[]), "{policy}");
    let fewest = (0_u32..1 << candidates.len())
        .filter(|subset| {
            let chosen = (0..candidates.len()).filter(|index| subset >> index & 1 == 1);
            let chosen: Vec<Signer> = chosen.map(|index| candidates[index].clone()).collect();
            distinct(signers, &chosen) && policy.is_met_by(&[signers, &chosen].concat())
        })
        .map(u32::count_ones)
        .min();
    let found = completion.as_ref().map(|chosen| chosen.len() as u32);
    assert_eq!(found, fewest, "{policy} by {signers:?} of {candidates:?}");
    if let Some(chosen) = completion {
        let chosen: Vec<Signer> = chosen.iter().map(|index| candidates[*index].clone()).collect();
        assert!(policy.is_met_by(&[signers, &chosen].concat()), "{policy}: {chosen:?}");
        assert!(signers.len() + chosen.len() <= policy.most_signatures());
    }
}

/// Whether each chosen key is new: a key signs once.
fn distinct(signers: &[Signer], chosen: &[Signer]) -> bool {
    let keys = signers.iter().chain(chosen).map(|signer| signer.key_id);
    let keys: Vec<KeyId> = keys.collect();
    let new = &keys[signers.len()..];
    new.iter().enumerate().all(|(at, key)| !keys[..signers.len() + at].contains(key))
}
