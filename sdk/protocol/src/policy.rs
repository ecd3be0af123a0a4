//! Endorsement policies: whose signatures a method needs.
//!
//! ```text
//! policy = term { "and" term } | term { "or" term }
//! term   = [ count "of" ] who [ "." role ] | "(" policy ")"
//! who    = "owner" | "others" | "members" | "anyone"
//! ```
//! `owner` is the author's member; `others` are all members but that one, `members` all of them, and
//! `2 of members` are two different ones; `anyone` is any member, without the demand that members
//! differ. Examples: `owner.officer`, `owner.officer and owner.supervisor` (maker/checker: two
//! keys), `owner.officer and 1 of others`, `2 of members`.
//!
//! Every part of a policy is met by a signature of its own, and no signature may be surplus: the
//! set of signers that satisfies a policy is exact, so a transaction has one set of endorsements
//! that everybody checks alike.

mod seating;

use alloc::{string::String, vec, vec::Vec};
use core::{fmt, str::FromStr};

use self::seating::Seating;
use crate::{call::Signer, identity::Role};

/// Signatures of one alternative at most: more than any agreement asks for.
const MAX_SIGNATURES: usize = 8;
/// Alternatives after expansion at most.
const MAX_ALTERNATIVES: usize = 16;

/// A parsed policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    text: String,
    alternatives: Vec<Vec<Term>>,
}

/// Signatures of one kind that a policy asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Term {
    count: usize,
    who: Who,
    role: Option<Role>,
    /// Whether their members must differ.
    distinct: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Owner,
    Other,
    Member,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not in the grammar.
    #[error("policy {text:?}: {problem}")]
    Syntax {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Needs more signatures or alternatives than can be checked.
    #[error(
        "policy {0:?}: at most {MAX_SIGNATURES} signatures in at most {MAX_ALTERNATIVES} alternatives"
    )]
    TooLarge(String),
}

impl Policy {
    /// Whether `signers` (author first) satisfy the policy exactly.
    pub fn is_met_by(&self, signers: &[Signer]) -> bool {
        self.completion(signers, &[]).is_some()
    }

    /// The fewest of `candidates`, as indices, that satisfy the policy exactly together with
    /// `signers` (author first); among as many, those that stand first. Empty if `signers` satisfy
    /// it already, `None` if no candidates can help.
    pub fn completion(&self, signers: &[Signer], candidates: &[Signer]) -> Option<Vec<usize>> {
        let completions =
            self.alternatives.iter().filter_map(|terms| complete(terms, signers, candidates));
        completions.min_by_key(Vec::len)
    }

    /// The most signatures that satisfy it, the author's included: who has as many needs no more.
    pub fn most_signatures(&self) -> usize {
        self.alternatives.iter().map(|terms| signatures(terms)).max().unwrap_or(0)
    }
}

/// [`Policy::completion`] by one alternative.
fn complete(terms: &[Term], signers: &[Signer], candidates: &[Signer]) -> Option<Vec<usize>> {
    // A key signs once.
    let new = |candidate: &Signer| signers.iter().all(|signer| signer.key_id != candidate.key_id);
    let mut seating = Seating::new(terms, signers.iter().chain(candidates).collect());
    if !(0..signers.len()).all(|signer| seating.seat(signer)) {
        return None;
    }
    let mut chosen = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if !seating.is_full() && new(candidate) && seating.seat(signers.len() + index) {
            chosen.push(index);
        }
    }
    seating.is_full().then_some(chosen)
}

/// How many signatures an alternative asks for.
fn signatures(terms: &[Term]) -> usize {
    terms.iter().map(|term| term.count).sum()
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Policy, PolicyError> {
        let mut parser = Parser { text, tokens: tokens(text), position: 0 };
        let expression = parser.policy(0)?;
        if parser.position < parser.tokens.len() {
            return Err(parser.error("expected the end"));
        }
        let alternatives = expand(&expression).ok_or_else(|| PolicyError::TooLarge(text.into()))?;
        Ok(Policy { text: text.into(), alternatives })
    }
}

enum Expression {
    Term(Term),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

/// Disjunctive form: every alternative is one list of terms. `None` above the limits.
fn expand(expression: &Expression) -> Option<Vec<Vec<Term>>> {
    let alternatives = match expression {
        Expression::Term(term) => vec![vec![*term]],
        Expression::Any(parts) => {
            let expanded: Option<Vec<_>> = parts.iter().map(expand).collect();
            expanded?.concat()
        }
        Expression::All(parts) => {
            let mut product = vec![Vec::new()];
            for part in parts {
                let expanded = expand(part)?;
                if product.len() * expanded.len() > MAX_ALTERNATIVES {
                    return None;
                }
                product = product
                    .iter()
                    .flat_map(|left| expanded.iter().map(move |right| [&left[..], right].concat()))
                    .collect();
            }
            product
        }
    };
    let small = alternatives.len() <= MAX_ALTERNATIVES
        && alternatives.iter().all(|terms| signatures(terms) <= MAX_SIGNATURES);
    small.then_some(alternatives)
}

/// Nesting of parentheses at most: keeps the parser's recursion bounded.
const MAX_DEPTH: usize = 4;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<&'a str>,
    position: usize,
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_ascii_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')']) {
            if at > 0 {
                tokens.push(&rest[..at]);
            }
            tokens.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

impl<'a> Parser<'a> {
    fn error(&self, problem: &str) -> PolicyError {
        let found = self.tokens.get(self.position).copied().unwrap_or("the end");
        PolicyError::Syntax {
            text: self.text.into(),
            problem: alloc::format!("{problem}, found {found}"),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.get(self.position) == Some(&token);
        self.position += usize::from(found);
        found
    }

    fn policy(&mut self, depth: usize) -> Result<Expression, PolicyError> {
        if depth > MAX_DEPTH {
            return Err(self.error("parentheses nested too deep"));
        }
        let mut parts = vec![self.term(depth)?];
        let word = match self.tokens.get(self.position) {
            Some(&"and") => "and",
            Some(&"or") => "or",
            _ => return Ok(parts.remove(0)),
        };
        while self.take(word) {
            parts.push(self.term(depth)?);
        }
        if matches!(self.tokens.get(self.position), Some(&"and" | &"or")) {
            return Err(self.error("put parentheses around a mix of `and` and `or`"));
        }
        Ok(if word == "and" { Expression::All(parts) } else { Expression::Any(parts) })
    }

    fn term(&mut self, depth: usize) -> Result<Expression, PolicyError> {
        if self.take("(") {
            let inner = self.policy(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.error("expected `)`")) };
        }
        let count = self.count()?;
        let Some(&word) = self.tokens.get(self.position) else {
            return Err(self.error("expected owner, others, members or anyone"));
        };
        let (name, role) = match word.split_once('.') {
            Some((name, role)) => {
                let role = role.parse().map_err(|_| self.error("expected a role after the dot"))?;
                (name, Some(role))
            }
            None => (word, None),
        };
        let (who, distinct) = match name {
            "owner" => (Who::Owner, false),
            "others" => (Who::Other, true),
            "members" => (Who::Member, true),
            "anyone" => (Who::Member, false),
            _ => return Err(self.error("expected owner, others, members or anyone")),
        };
        self.position += 1;
        Ok(Expression::Term(Term { count, who, role, distinct }))
    }

    fn count(&mut self) -> Result<usize, PolicyError> {
        if self.tokens.get(self.position + 1) != Some(&"of") {
            return Ok(1);
        }
        let digits = self.tokens[self.position];
        let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        match digits.parse() {
            Ok(count) if canonical && (1..=MAX_SIGNATURES).contains(&count) => {
                self.position += 2;
                Ok(count)
            }
            _ => Err(self.error("expected a count from 1 to 8 before `of`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hash::Hash, identity::KeyId};
    use alloc::string::ToString;

    fn signers(of: &[(&str, &[Role])]) -> Vec<Signer> {
        of.iter()
            .enumerate()
            .map(|(index, (member, roles))| Signer {
                key_id: KeyId(Hash([index as u8; 32])),
                member: member.to_string(),
                roles: roles.to_vec(),
                pseudonym: None,
            })
            .collect()
    }

    fn met(policy: &str, of: &[(&str, &[Role])]) -> bool {
        policy.parse::<Policy>().expect(policy).is_met_by(&signers(of))
    }

    const OFFICER: &[Role] = &[Role::Officer];
    const SUPERVISOR: &[Role] = &[Role::Supervisor];
    const BOTH: &[Role] = &[Role::Officer, Role::Supervisor];

    #[test]
    fn the_owner_alone() {
        assert!(met("owner.officer", &[("uy", OFFICER)]));
        assert!(!met("owner.officer", &[("uy", SUPERVISOR)]));
        assert!(!met("owner.officer", &[("uy", OFFICER), ("uy", OFFICER)]), "surplus");
    }

    #[test]
    fn maker_and_checker_are_two_keys_in_any_order() {
        let policy = "owner.officer and owner.supervisor";
        assert!(met(policy, &[("uy", OFFICER), ("uy", SUPERVISOR)]));
        assert!(met(policy, &[("uy", SUPERVISOR), ("uy", OFFICER)]));
        assert!(met(policy, &[("uy", BOTH), ("uy", OFFICER)]), "needs backtracking");
        assert!(!met(policy, &[("uy", BOTH)]));
        assert!(!met(policy, &[("uy", OFFICER), ("py", SUPERVISOR)]));
    }

    #[test]
    fn several_members_must_differ() {
        assert!(met("2 of members", &[("uy", OFFICER), ("py", OFFICER)]));
        assert!(!met("2 of members", &[("uy", OFFICER), ("uy", OFFICER)]));
        assert!(met("2 of anyone", &[("uy", OFFICER), ("uy", OFFICER)]));
        assert!(met("owner and 1 of members", &[("uy", OFFICER), ("py", OFFICER)]));
    }

    #[test]
    fn others_are_not_the_owner() {
        let policy = "owner.officer and 1 of others";
        assert!(met(policy, &[("uy", OFFICER), ("py", &[Role::Node])]));
        assert!(
            !met(policy, &[("uy", OFFICER), ("uy", &[Role::Node])]),
            "a second node of its own"
        );
        assert!(!met(policy, &[("uy", SUPERVISOR), ("py", OFFICER)]), "no officer of the owner");
        assert!(
            !met("2 of others", &[("uy", OFFICER), ("py", OFFICER)]),
            "the author fits nowhere"
        );
    }

    #[test]
    fn alternatives() {
        let policy = "owner.admin or (owner.officer and owner.supervisor)";
        assert!(met(policy, &[("uy", &[Role::Admin])]));
        assert!(met(policy, &[("uy", OFFICER), ("uy", SUPERVISOR)]));
        assert!(!met(policy, &[("uy", OFFICER)]));
    }

    /// Whom `policy` asks among candidates, given the signers.
    fn completed(
        policy: &str,
        signed: &[(&str, &[Role])],
        candidates: &[(&str, &[Role])],
    ) -> Option<Vec<usize>> {
        let all = signers(&[signed, candidates].concat());
        let (signed, candidates) = all.split_at(signed.len());
        policy.parse::<Policy>().expect(policy).completion(signed, candidates)
    }

    #[test]
    fn the_first_and_fewest_candidates_complete_a_policy() {
        let (uy, br, py) = (("uy", OFFICER), ("br", BOTH), ("py", SUPERVISOR));
        let asked = |policy, candidates: &[_]| completed(policy, &[uy], candidates);
        assert_eq!(asked("owner.officer", &[br]), Some(vec![]));
        assert_eq!(asked("2 of members", &[uy, br, br, py]), Some(vec![1]));
        assert_eq!(asked("3 of members", &[uy, br, br, py]), Some(vec![1, 3]));
        assert_eq!(asked("3 of members", &[uy, br, br]), None);
        assert_eq!(asked("(2 of anyone and owner) or 2 of members", &[uy, br]), Some(vec![1]));
        assert_eq!(asked("owner and 1 of members.supervisor", &[uy, br]), Some(vec![1]));
        assert_eq!(asked("owner.supervisor", &[br, py]), None, "the author's own is surplus");
        assert_eq!(completed("owner", &[uy, br], &[]), None, "surplus cannot be taken back");
    }

    #[test]
    fn a_key_does_not_sign_twice() {
        let all = signers(&[("uy", OFFICER)]);
        let policy: Policy = "2 of anyone".parse().expect("sound");
        assert_eq!(policy.completion(&all, &all), None);
    }

    /// Every assignment of signers to single seats, tried one after the other.
    fn met_by_trying(terms: &[Term], signers: &[Signer], taken: &mut Vec<(usize, usize)>) -> bool {
        let next = taken.len();
        let Some(signer) = signers.get(next) else { return signatures(terms) == signers.len() };
        (0..terms.len()).any(|term| {
            let Term { count, who, role, distinct } = terms[term];
            let inside: Vec<usize> =
                taken.iter().filter(|(t, _)| *t == term).map(|(_, s)| *s).collect();
            let suits = (who == Who::Member || signer.member == signers[0].member)
                && role.is_none_or(|role| signer.roles.contains(&role))
                && inside.len() < count
                && !(distinct && inside.iter().any(|s| signers[*s].member == signer.member));
            if !suits {
                return false;
            }
            taken.push((term, next));
            let met = met_by_trying(terms, signers, taken);
            taken.pop();
            met
        })
    }

    #[test]
    fn seating_finds_what_trying_everything_finds() {
        let policies = [
            "2 of members and 2 of members.officer",
            "2 of members.supervisor and 2 of anyone",
            "owner and 2 of members and 1 of anyone.supervisor",
            "2 of owner.officer and 2 of members",
            "3 of members and owner.supervisor",
            "2 of members and 1 of members and owner",
        ];
        let kinds: Vec<(&str, &[Role])> = ["uy", "br", "py"]
            .into_iter()
            .flat_map(|member| [OFFICER, SUPERVISOR, BOTH].map(|roles| (member, roles)))
            .collect();
        let (mut met, count) = (0, kinds.len());
        for policy in policies {
            let policy: Policy = policy.parse().expect(policy);
            for case in 0..count.pow(4) {
                let chosen = (0..4).map(|i| kinds[case / count.pow(i) % count]);
                let signers = signers(&chosen.collect::<Vec<_>>());
                let expected = met_by_trying(&policy.alternatives[0], &signers, &mut Vec::new());
                assert_eq!(policy.is_met_by(&signers), expected, "{policy}: {signers:?}");
                met += usize::from(expected);
            }
        }
        assert!(met > 1_000, "the cases show something: {met}");
    }

    #[test]
    fn the_most_signatures_of_any_alternative_count() {
        let most = |text: &str| text.parse::<Policy>().expect(text).most_signatures();
        assert_eq!(most("owner.officer"), 1);
        assert_eq!(most("owner.admin or (owner.officer and 2 of members)"), 3);
    }

    #[test]
    fn bad_texts_are_refused_with_the_reason() {
        for bad in [
            "",
            "and",
            "owner and",
            "owner or owner and owner",
            "(owner",
            "owner)",
            "9 of members",
            "0 of members",
            "01 of members",
            "owner.boss",
            "parties",
            "((((((owner))))))",
            "owner owner",
        ] {
            assert!(matches!(bad.parse::<Policy>(), Err(PolicyError::Syntax { .. })), "{bad}");
        }
        let large = ["(owner or anyone)"; 5].join(" and ");
        assert_eq!(large.parse::<Policy>(), Err(PolicyError::TooLarge(large)));
    }
}
