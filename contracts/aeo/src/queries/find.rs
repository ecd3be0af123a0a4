//! What an identifier leads to, and what that is worth under an arrangement.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

use precinto_contract::{Host, Key, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    aeo::{
        Alias, AliasMode, AsOf, BenefitQuery, Mra, StandingAuthorization, benefit as answer,
        query::{FindAnswer, FindQuery, FoundOperator, Via},
    },
    hash::Hash,
};

use super::resolved;
use crate::{fields, keys, mra, record, scan};

/// `find`: the authorizations that an identifier leads to, directly and by aliases.
pub(crate) fn find(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let FindQuery { tag, viewer, as_of } = decode_args(args)?;
    if let Some(viewer) = &viewer {
        fields::check_member("viewer", viewer)?;
    }
    let lookup = Lookup { tag, viewer, granting: None, as_of: resolved(host, as_of) };
    encode_result(&FindAnswer { as_of: lookup.as_of, operators: lookup.operators(host)? })
}

/// `benefit`: whether a benefit is due, and why.
pub(crate) fn benefit(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let query: BenefitQuery = decode_args(args)?;
    mra::check_id(&query.mra)?;
    fields::check_member("member", &query.member)?;
    fields::check_member("partner", &query.partner)?;
    let lookup = Lookup {
        tag: query.tag,
        viewer: Some(query.member.clone()),
        granting: Some(query.partner.clone()),
        as_of: resolved(host, query.as_of),
    };
    let mra: Option<Mra> = host.read(&keys::mra(&query.mra))?;
    let operators = lookup.operators(host)?.into_iter();
    let authorizations: Vec<_> = operators.flat_map(|found| found.authorizations).collect();
    encode_result(&answer::benefit(&query, lookup.as_of, mra.as_ref(), &authorizations))
}

/// A look-up of an identifier.
struct Lookup {
    tag: Hash,
    /// Who looks.
    viewer: Option<String>,
    /// Whose authorizations; none: everybody's.
    granting: Option<String>,
    as_of: AsOf,
}

impl Lookup {
    /// The operator of the tag itself first, then those that aliases lead to, by tag.
    fn operators(&self, host: &dyn Host) -> Result<Vec<FoundOperator>> {
        let direct = self.authorizations(host, &self.tag, self.granting.as_deref())?;
        let mut found =
            vec![FoundOperator { operator: self.tag, via: vec![], authorizations: direct }];
        for (operator, declarations) in self.declarations(host)? {
            found.push(self.aliased(host, operator, &declarations)?);
        }
        found.retain(|operator| !operator.authorizations.is_empty());
        Ok(found)
    }

    /// The declarations that were in force about the tag, by operator.
    fn declarations(&self, host: &dyn Host) -> Result<BTreeMap<Hash, Vec<(Alias, AliasMode)>>> {
        let mut by_operator: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (_, value) in scan::all(host, &keys::meanings(&self.tag)) {
            let alias: Alias = decode_stored(&value)?;
            if let Some(mode) = alias.mode_at(self.as_of.recorded_ms) {
                by_operator.entry(alias.operator).or_default().push((alias, mode));
            }
        }
        Ok(by_operator)
    }

    /// What declarations about one operator lead to.
    fn aliased(
        &self,
        host: &dyn Host,
        operator: Hash,
        declarations: &[(Alias, AliasMode)],
    ) -> Result<FoundOperator> {
        let leads = |(alias, mode): &&(Alias, AliasMode), granting: &str| {
            alias.leads(*mode, self.viewer.as_deref(), granting)
        };
        let mut authorizations = Vec::new();
        // The viewer's own translation leads to all; anyone else's to what that one granted.
        let all = declarations
            .iter()
            .any(|it| it.1 == AliasMode::Receiver && self.viewer.as_ref() == Some(&it.0.member));
        if all {
            authorizations = self.authorizations(host, &operator, self.granting.as_deref())?;
        } else {
            for (alias, _) in declarations.iter().filter(|it| leads(it, &it.0.member)) {
                if self.granting.as_ref().is_none_or(|granting| granting == &alias.member) {
                    authorizations.extend(self.authorizations(
                        host,
                        &operator,
                        Some(&alias.member),
                    )?);
                }
            }
        }
        let led = |it: &&(Alias, AliasMode)| {
            authorizations.iter().any(|found| leads(it, &found.authorization.member))
        };
        let via = declarations.iter().filter(led);
        let via = via.map(|(alias, mode)| Via { member: alias.member.clone(), mode: *mode });
        Ok(FoundOperator { operator, via: via.collect(), authorizations })
    }

    /// The authorizations of one operator as they stood: those of one member, or all.
    fn authorizations(
        &self,
        host: &dyn Host,
        operator: &Hash,
        granting: Option<&str>,
    ) -> Result<Vec<StandingAuthorization>> {
        let operator = keys::of_operator(operator);
        let prefix: Key = granting.map_or_else(|| operator.clone(), |member| operator.with(member));
        let mut found = Vec::new();
        for (_, value) in scan::all(host, &prefix) {
            found.extend(record::stood(host, decode_stored(&value)?, self.as_of)?);
        }
        Ok(found)
    }
}
