//! Endorsement policies: whose signatures a method needs.
//!
//! ```text
//! policy = term { "and" term } | term { "or" term }
//! term   = [ count "of" ] who [ "." role ] | "(" policy ")"
//! who    = "owner" | "members" | "anyone"
//! ```
//! `owner` is the author's member; `members` any member, and `2 of members` two different ones;
//! `anyone` is any member, without the demand that members differ. Examples: `owner.officer`,
//! `owner.officer and owner.supervisor` (maker/checker: two keys), `2 of members`,
//! `owner and 1 of members`.
//!
//! Every part of a policy is met by a signature of its own, and no signature may be surplus: the
//! set of signers that satisfies a policy is exact, so a transaction has one set of endorsements
//! that everybody checks alike.

use alloc::{string::String, vec, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{call::Signer, identity::Role};

/// Signatures of one alternative at most: what the matching may have to try.
const MAX_SLOTS: usize = 8;
/// Alternatives after expansion at most.
const MAX_ALTERNATIVES: usize = 16;

/// A parsed policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    text: String,
    alternatives: Vec<Vec<Slot>>,
}

/// One signature that a policy asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    who: Who,
    role: Option<Role>,
    /// Slots of one `N of members` share a group: their members must differ. 0: no demand.
    group: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Owner,
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
        "policy {0:?}: at most {MAX_SLOTS} signatures in at most {MAX_ALTERNATIVES} alternatives"
    )]
    TooLarge(String),
}

impl Policy {
    /// Whether `signers` (author first) satisfy the policy exactly.
    pub fn is_met_by(&self, signers: &[Signer]) -> bool {
        self.alternatives.iter().any(|slots| slots.len() == signers.len() && assign(slots, signers))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Tries every assignment of signers to slots, depth first, without recursion: `chosen[i]` is the
/// signer of slot `i`. At most 8! steps by [`MAX_SLOTS`].
fn assign(slots: &[Slot], signers: &[Signer]) -> bool {
    let mut chosen: Vec<usize> = Vec::with_capacity(slots.len());
    let mut candidate = 0;
    loop {
        if chosen.len() == slots.len() {
            return true;
        }
        match (candidate..signers.len()).find(|&s| fits(slots, signers, &chosen, s)) {
            Some(signer) => {
                chosen.push(signer);
                candidate = 0;
            }
            None => match chosen.pop() {
                Some(last) => candidate = last + 1,
                None => return false,
            },
        }
    }
}

/// Whether `signer` can fill the next slot after those already `chosen`.
fn fits(slots: &[Slot], signers: &[Signer], chosen: &[usize], signer: usize) -> bool {
    let slot = slots[chosen.len()];
    let candidate = &signers[signer];
    let who = match slot.who {
        Who::Owner => candidate.member == signers[0].member,
        Who::Member => true,
    };
    let role = slot.role.is_none_or(|role| candidate.roles.contains(&role));
    let distinct = chosen.iter().enumerate().all(|(index, &other)| {
        other != signer
            && (slot.group == 0
                || slots[index].group != slot.group
                || signers[other].member != candidate.member)
    });
    who && role && distinct
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Policy, PolicyError> {
        let mut parser = Parser { text, tokens: tokens(text), position: 0, groups: 0 };
        let expression = parser.policy(0)?;
        if parser.position < parser.tokens.len() {
            return Err(parser.error("expected the end"));
        }
        let alternatives = expand(&expression).ok_or_else(|| PolicyError::TooLarge(text.into()))?;
        Ok(Policy { text: text.into(), alternatives })
    }
}

enum Expression {
    Slots(Vec<Slot>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

/// Disjunctive form: every alternative is one list of slots. `None` above the limits.
fn expand(expression: &Expression) -> Option<Vec<Vec<Slot>>> {
    let alternatives = match expression {
        Expression::Slots(slots) => vec![slots.clone()],
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
        && alternatives.iter().all(|slots| slots.len() <= MAX_SLOTS);
    small.then_some(alternatives)
}

/// Nesting of parentheses at most: keeps the parser's recursion bounded.
const MAX_DEPTH: usize = 4;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<&'a str>,
    position: usize,
    groups: u32,
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
            return Err(self.error("expected owner, members or anyone"));
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
            "members" => (Who::Member, true),
            "anyone" => (Who::Member, false),
            _ => return Err(self.error("expected owner, members or anyone")),
        };
        self.position += 1;
        self.groups += u32::from(distinct);
        let group = if distinct { self.groups } else { 0 };
        Ok(Expression::Slots(vec![Slot { who, role, group }; count]))
    }

    fn count(&mut self) -> Result<usize, PolicyError> {
        if self.tokens.get(self.position + 1) != Some(&"of") {
            return Ok(1);
        }
        let digits = self.tokens[self.position];
        let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        match digits.parse() {
            Ok(count) if canonical && (1..=MAX_SLOTS).contains(&count) => {
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
    fn alternatives() {
        let policy = "owner.admin or (owner.officer and owner.supervisor)";
        assert!(met(policy, &[("uy", &[Role::Admin])]));
        assert!(met(policy, &[("uy", OFFICER), ("uy", SUPERVISOR)]));
        assert!(!met(policy, &[("uy", OFFICER)]));
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
