//! What officers write, checked and turned into the contract's arguments. The contract checks
//! everything again; here a mistake is reported at once, by the name of the form's field.

use precinto_protocol::{
    aeo::{
        AeoType, CONTRACT, Certify, ChangeStatus, Date, MAX_NUMBER_BYTES, PublicIdentifier,
        normalize_identifier,
    },
    cbor,
    hash::Hash,
    host::is_code,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    clock::now_ms,
    error::ApiError,
    port::{NodePort, OfficerCall},
};

/// A scheme of identifiers, in bytes: room for a country and a register (`br-cnpj`).
const MAX_SCHEME_BYTES: usize = 16;

/// An operator as a person names it.
pub(super) struct Operator {
    pub(super) scheme: String,
    /// Normalized.
    pub(super) identifier: String,
    pub(super) tag: Hash,
}

impl Operator {
    /// Checks and normalizes; `Err` names the part and the rule.
    pub(super) fn read(
        node: &dyn NodePort,
        scheme: &str,
        identifier: &str,
    ) -> Result<Operator, (&'static str, String)> {
        let scheme = scheme.to_ascii_lowercase();
        if scheme.len() > MAX_SCHEME_BYTES || !is_code(scheme.as_bytes()) {
            let rule =
                format!("{scheme:?} is not 1 to {MAX_SCHEME_BYTES} letters, digits and hyphens");
            return Err(("scheme", rule));
        }
        let Some(identifier) = normalize_identifier(identifier) else {
            let rule = format!(
                "{identifier:?} is not 1 to 35 letters and digits (spaces, hyphens, dots and slashes are dropped)"
            );
            return Err(("identifier", rule));
        };
        let tag = node.lookup_tag(&scheme, &identifier);
        Ok(Operator { scheme, identifier, tag })
    }

    fn from_form(node: &dyn NodePort, scheme: &str, identifier: &str) -> Result<Self, ApiError> {
        Operator::read(node, scheme, identifier)
            .map_err(|(field, rule)| ApiError::field(field, rule))
    }
}

/// An authorization to grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertifyForm {
    /// Scheme of the operator's identifier.
    #[schema(example = "rut")]
    scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "21 123456 0018")]
    identifier: String,
    /// Authorization number, 1 to 24 capital letters, digits and hyphens.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// `AEOC` (customs simplifications), `AEOS` (security and safety), or both.
    #[schema(example = json!(["AEOC"]))]
    types: Vec<String>,
    /// First day of validity.
    #[schema(example = "2026-01-01")]
    valid_from: String,
    /// Last day of validity.
    #[schema(example = "2028-12-31")]
    valid_until: String,
    /// Whether the member's law publishes the identifier; otherwise it never enters the ledger.
    #[serde(default)]
    publish: bool,
}

impl CertifyForm {
    /// The call of `certify`.
    pub(super) fn read(&self, node: &dyn NodePort) -> Result<OfficerCall, ApiError> {
        let operator = Operator::from_form(node, &self.scheme, &self.identifier)?;
        let valid_from = read_date("valid_from", &self.valid_from)?;
        let valid_until = read_date("valid_until", &self.valid_until)?;
        if valid_until < valid_from {
            return Err(ApiError::field("valid_until", "must not be before valid_from"));
        }
        let public = PublicIdentifier { scheme: operator.scheme, value: operator.identifier };
        let args = Certify {
            operator: operator.tag,
            number: read_number(&self.number)?,
            types: read_types(&self.types)?,
            valid_from,
            valid_until,
            identifier: self.publish.then_some(public),
        };
        Ok(call("certify", cbor::encode(&args)))
    }
}

/// A change of an authorization's status.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeForm {
    /// Scheme of the operator's identifier.
    #[schema(example = "rut")]
    scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "21 123456 0018")]
    identifier: String,
    /// Authorization number.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// Why: a code of 1 to 64 lower-case letters, digits and hyphens.
    #[schema(example = "financial-solvency")]
    reason: String,
    /// When it takes effect, milliseconds since 1970; now if absent.
    effective_ms: Option<u64>,
}

impl ChangeForm {
    /// The call of `method`.
    pub(super) fn read(
        &self,
        node: &dyn NodePort,
        method: &'static str,
    ) -> Result<OfficerCall, ApiError> {
        if !is_code(self.reason.as_bytes()) {
            let rule = "a code of 1 to 64 lower-case letters, digits and hyphens";
            return Err(ApiError::field("reason", rule));
        }
        let args = ChangeStatus {
            operator: Operator::from_form(node, &self.scheme, &self.identifier)?.tag,
            number: read_number(&self.number)?,
            effective_ms: self.effective_ms.unwrap_or_else(now_ms),
            reason: self.reason.clone(),
        };
        Ok(call(method, cbor::encode(&args)))
    }
}

fn call(method: &str, args: Vec<u8>) -> OfficerCall {
    OfficerCall { contract: CONTRACT.into(), method: method.into(), args }
}

fn read_date(field: &str, text: &str) -> Result<Date, ApiError> {
    Date::parse(text).ok_or_else(|| {
        ApiError::field(field, format!("{text:?} is not a date YYYY-MM-DD from 1970 on"))
    })
}

fn read_number(text: &str) -> Result<String, ApiError> {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_NUMBER_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        let rule =
            format!("{text:?} is not 1 to {MAX_NUMBER_BYTES} capital letters, digits and hyphens");
        Err(ApiError::field("number", rule))
    }
}

fn read_types(names: &[String]) -> Result<Vec<AeoType>, ApiError> {
    let mut types = Vec::new();
    for name in names {
        let known = [AeoType::C, AeoType::S].into_iter().find(|known| known.to_string() == *name);
        let known = known.ok_or_else(|| {
            ApiError::field("types", format!("{name:?} is neither AEOC nor AEOS"))
        })?;
        types.push(known);
    }
    types.sort();
    types.dedup();
    if types.is_empty() {
        return Err(ApiError::field("types", "at least one of AEOC and AEOS"));
    }
    Ok(types)
}
