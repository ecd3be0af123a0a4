//! What people write, in bodies, paths and query strings alike, made into the protocol's values. The
//! contract checks everything again; here a mistake is reported at once, by the name of the field.

use std::{collections::BTreeSet, str::FromStr};

use precinto_protocol::{
    aeo::{AeoType, Date, MAX_NUMBER_BYTES, PublicIdentifier, Scheme, SupplyChainRole},
    hash::Hash,
    names::UnknownName,
};

use crate::{error::ApiError, nearest::nearest, port::NodePort};

/// Text of a field, in bytes: more than anything that is meant, so that nothing larger is searched
/// or repeated to the client.
const MAX_TEXT_BYTES: usize = 128;

/// A field that is not what it must be.
#[derive(Debug)]
pub(super) struct Wrong {
    name: &'static str,
    rule: String,
}

impl Wrong {
    pub(super) fn new(name: &'static str, rule: impl Into<String>) -> Wrong {
        Wrong { name, rule: rule.into() }
    }

    /// The same, as a parameter of path or query.
    pub(super) fn parameter(self) -> ApiError {
        ApiError::parameter(self.name, self.rule)
    }
}

/// As a field of the body.
impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> ApiError {
        ApiError::field(wrong.name, wrong.rule)
    }
}

/// An identifier as a person writes it, with its lookup tag.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) scheme: Scheme,
    /// Normalized.
    pub(super) identifier: String,
    pub(super) tag: Hash,
}

impl Operator {
    /// Checks and normalizes.
    pub(super) fn read(
        node: &dyn NodePort,
        scheme: &str,
        identifier: &str,
    ) -> Result<Operator, Wrong> {
        let scheme: Scheme = named("scheme", &bounded("scheme", scheme)?.to_ascii_lowercase())?;
        let identifier = scheme
            .normalize(bounded("identifier", identifier)?)
            .map_err(|error| Wrong::new("identifier", error.to_string()))?;
        if scheme == Scheme::Tin && identifier.len() > node.tin_max_length() {
            let longest = node.tin_max_length();
            let rule =
                format!("{identifier:?} is longer than the {longest} characters of a TIN here");
            return Err(Wrong::new("identifier", rule));
        }
        let tag = node.lookup_tag(scheme, &identifier);
        Ok(Operator { scheme, identifier, tag })
    }

    /// The identifier in clear, if it is to be published.
    pub(super) fn published(self, publish: bool) -> Option<PublicIdentifier> {
        let public = PublicIdentifier { scheme: self.scheme.name().into(), value: self.identifier };
        publish.then_some(public)
    }
}

/// A value that has a name.
pub(super) fn named<T: FromStr<Err = UnknownName>>(
    name: &'static str,
    text: &str,
) -> Result<T, Wrong> {
    bounded(name, text)?.parse().map_err(|unknown: UnknownName| {
        let near = nearest(text, &unknown.known);
        let guess = match near[..] {
            [] => String::new(),
            _ => format!("; did you mean {}?", near.join(" or ")),
        };
        Wrong::new(name, format!("{unknown}{guess}"))
    })
}

/// The same of what may be absent.
pub(super) fn optional<T: FromStr<Err = UnknownName>>(
    name: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Wrong> {
    text.map(|text| named(name, text)).transpose()
}

/// One or more types, sorted.
pub(super) fn types(names: &[String]) -> Result<Vec<AeoType>, Wrong> {
    set("types", names)
}

/// One or more roles, sorted.
pub(super) fn roles(names: &[String]) -> Result<Vec<SupplyChainRole>, Wrong> {
    set("roles", names)
}

/// At least one name, each once, in the order of the protocol.
fn set<T: FromStr<Err = UnknownName> + Ord>(
    name: &'static str,
    names: &[String],
) -> Result<Vec<T>, Wrong> {
    if names.is_empty() {
        return Err(Wrong::new(name, "at least one is needed"));
    }
    let set = names.iter().map(|text| named(name, text)).collect::<Result<BTreeSet<T>, _>>()?;
    Ok(set.into_iter().collect())
}

/// An authorization number.
pub(super) fn number(text: &str) -> Result<String, Wrong> {
    let text = bounded("number", text)?;
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_NUMBER_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    let rule =
        format!("{text:?} is not 1 to {MAX_NUMBER_BYTES} capital letters, digits and hyphens");
    Err(Wrong::new("number", rule))
}

/// A calendar date.
pub(super) fn date(name: &'static str, text: &str) -> Result<Date, Wrong> {
    let text = bounded(name, text)?;
    Date::parse(text)
        .ok_or_else(|| Wrong::new(name, format!("{text:?} is not a date YYYY-MM-DD from 1970 on")))
}

/// A hash in hexadecimal.
pub(super) fn hash(name: &'static str, text: &str) -> Result<Hash, Wrong> {
    text.parse().map_err(|error| Wrong::new(name, format!("{error}")))
}

/// Text that is not larger than anything that is meant.
pub(super) fn bounded<'a>(name: &'static str, text: &'a str) -> Result<&'a str, Wrong> {
    if text.len() <= MAX_TEXT_BYTES {
        Ok(text)
    } else {
        Err(Wrong::new(name, format!("has {} bytes, more than {MAX_TEXT_BYTES}", text.len())))
    }
}
