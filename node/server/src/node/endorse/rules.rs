//! What a member does not endorse: its own rules, beyond what contracts check.

use std::{fmt, str::FromStr};

use toml::Table;

use crate::fields::Fields;

/// What this node does not endorse. Empty: whatever would commit is endorsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    refuse: Vec<Rule>,
}

/// One kind of calls: `contract.method`, or `contract.method of member`; `*` stands for any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    contract: Pattern,
    method: Pattern,
    member: Pattern,
}

/// A name, or any.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Any,
    Name(String),
}

/// The text is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected contract.method or contract.method of member, with * for any")]
pub(super) struct ParseRuleError;

impl Rules {
    /// Reads the table `[endorsement]` of a node's configuration.
    pub(crate) fn read(table: Table, problems: &mut Vec<String>) -> Rules {
        let mut fields = Fields::new(table, "endorsement", problems);
        let refuse = fields.parsed_list("refuse");
        fields.finish();
        Rules { refuse }
    }

    /// The rule by which the call of a member is refused, if there is one.
    pub(super) fn refusal(&self, contract: &str, method: &str, member: &str) -> Option<String> {
        let applies = |rule: &&Rule| {
            rule.contract.matches(contract)
                && rule.method.matches(method)
                && rule.member.matches(member)
        };
        self.refuse.iter().find(applies).map(Rule::to_string)
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Pattern, ParseRuleError> {
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        match text {
            "*" => Ok(Pattern::Any),
            text if !text.is_empty() && text.chars().all(name) => Ok(Pattern::Name(text.into())),
            _ => Err(ParseRuleError),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Name(pattern) => pattern == name,
        }
    }
}

impl FromStr for Rule {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Rule, ParseRuleError> {
        let (call, member) = text.split_once(" of ").unwrap_or((text, "*"));
        let (contract, method) = call.split_once('.').ok_or(ParseRuleError)?;
        let [contract, method, member] = [contract, method, member].map(Pattern::new);
        Ok(Rule { contract: contract?, method: method?, member: member? })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pattern::Any => "*",
            Pattern::Name(name) => name,
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.contract, self.method)?;
        match &self.member {
            Pattern::Any => Ok(()),
            member => write!(f, " of {member}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Rules {
        Rules { refuse: texts.iter().map(|text| text.parse().unwrap()).collect() }
    }

    #[test]
    fn a_rule_refuses_what_it_names_and_nothing_else() {
        let rules = rules(&["aeo.annul", "aeo.* of br-rfb", "*.revoke of pe-sunat"]);
        let refused = |contract, method, member| rules.refusal(contract, method, member);
        assert_eq!(refused("aeo", "annul", "uy-dna").as_deref(), Some("aeo.annul"));
        assert_eq!(refused("aeo", "certify", "br-rfb").as_deref(), Some("aeo.* of br-rfb"));
        assert_eq!(
            refused("governance", "revoke", "pe-sunat").as_deref(),
            Some("*.revoke of pe-sunat")
        );
        assert_eq!(refused("aeo", "certify", "uy-dna"), None);
        assert_eq!(refused("governance", "enrol", "br-rfb"), None);
        assert_eq!(Rules::default().refusal("aeo", "annul", "uy-dna"), None);
    }

    #[test]
    fn texts_that_are_no_rules_are_refused() {
        for bad in ["", "aeo", "aeo.", ".annul", "aeo.annul of ", "aeo.annul by br", "Aeo.annul"] {
            assert_eq!(bad.parse::<Rule>(), Err(ParseRuleError), "{bad}");
        }
    }
}
