//! What officers write about an authorization, made into the contract's arguments.

use minicbor::Encode;
use precinto_protocol::{
    aeo::{Action, Amend, CONTRACT, Certify, ChangeStatus, Terms},
    cbor,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    fields::{self, Operator, Wrong},
    times::{self, TimeForm},
};
use crate::{
    error::ApiError,
    port::{NodePort, OfficerCall},
};

/// A reference of the member's own, in bytes.
const MAX_REFERENCE_BYTES: usize = 64;

/// An authorization to grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertifyForm {
    /// Scheme of the operator's identifier.
    #[schema(example = "uy-rut")]
    scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "21 403302 0011")]
    identifier: String,
    /// A number that the member has never used: 1 to 24 capital letters, digits and hyphens.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// `AEOC` (customs simplifications), `AEOS` (security and safety), or both.
    #[schema(example = json!(["AEOC"]))]
    types: Vec<String>,
    /// What the operator does in the supply chain.
    #[schema(example = json!(["importer", "exporter"]))]
    roles: Vec<String>,
    /// First day of validity.
    #[schema(format = Date, example = "2026-01-01")]
    valid_from: String,
    /// Last day of validity; without one it is valid until it is ended.
    #[schema(format = Date, example = "2028-12-31")]
    valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad, and so to being known there.
    #[serde(default)]
    consent: bool,
    /// Whether the member's law publishes the identifier; otherwise it never enters the ledger.
    #[serde(default)]
    publish: bool,
    /// Commitment of the private record, 64 hexadecimal characters, if there is one.
    record: Option<String>,
}

impl CertifyForm {
    /// The call of `certify`.
    pub(super) fn read(self, node: &dyn NodePort) -> Result<OfficerCall, ApiError> {
        let operator = Operator::read(node, &self.scheme, &self.identifier)?;
        let valid_from = fields::date("valid_from", &self.valid_from)?;
        let written = Written {
            types: self.types,
            roles: self.roles,
            valid_until: self.valid_until,
            consent: self.consent,
            record: self.record,
        };
        let number = fields::number(&self.number)?;
        let tag = operator.tag;
        let terms = written.read(operator, self.publish)?;
        if terms.valid_until.is_some_and(|until| until < valid_from) {
            return Err(Wrong::new("valid_until", "must not be before valid_from").into());
        }
        Ok(call("certify", &Certify { operator: tag, number, valid_from, terms }))
    }
}

/// Other terms for an authorization: all of them, as they are to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AmendForm {
    /// Scheme of the operator's identifier.
    #[schema(example = "uy-rut")]
    scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "21 403302 0011")]
    identifier: String,
    /// Authorization number.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// `AEOC` (customs simplifications), `AEOS` (security and safety), or both.
    #[schema(example = json!(["AEOC", "AEOS"]))]
    types: Vec<String>,
    /// What the operator does in the supply chain.
    #[schema(example = json!(["importer", "exporter"]))]
    roles: Vec<String>,
    /// Last day of validity; without one it is valid until it is ended.
    #[schema(format = Date, example = "2030-12-31")]
    valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad, and so to being known there.
    #[serde(default)]
    consent: bool,
    /// Whether the member's law publishes the identifier.
    #[serde(default)]
    publish: bool,
    /// Commitment of the private record, 64 hexadecimal characters, if there is one.
    record: Option<String>,
    /// When the new terms take effect; now if absent.
    effective: Option<TimeForm>,
}

impl AmendForm {
    /// The call of `amend`.
    pub(super) fn read(self, node: &dyn NodePort) -> Result<OfficerCall, ApiError> {
        let operator = Operator::read(node, &self.scheme, &self.identifier)?;
        let written = Written {
            types: self.types,
            roles: self.roles,
            valid_until: self.valid_until,
            consent: self.consent,
            record: self.record,
        };
        let args = Amend {
            operator: operator.tag,
            number: fields::number(&self.number)?,
            effective_ms: times::takes_effect(self.effective.as_ref())?,
            terms: written.read(operator, self.publish)?,
        };
        Ok(call(Action::Amend.name(), &args))
    }
}

/// [`Terms`] as they were written.
struct Written {
    types: Vec<String>,
    roles: Vec<String>,
    valid_until: Option<String>,
    consent: bool,
    record: Option<String>,
}

impl Written {
    fn read(self, operator: Operator, publish: bool) -> Result<Terms, Wrong> {
        let valid_until = self.valid_until.as_deref();
        let record = self.record.as_deref();
        Ok(Terms {
            types: fields::types(&self.types)?,
            roles: fields::roles(&self.roles)?,
            valid_until: valid_until.map(|it| fields::date("valid_until", it)).transpose()?,
            consent: self.consent,
            identifier: operator.published(publish),
            record: record.map(|it| fields::hash("record", it)).transpose()?,
        })
    }
}

/// A change of an authorization's status.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeForm {
    /// Scheme of the operator's identifier.
    #[schema(example = "uy-rut")]
    scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "21 403302 0011")]
    identifier: String,
    /// Authorization number.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// Why: `holder-request`, `criteria`, `infringement`, `criminal-procedure`, `solvency`,
    /// `security`, `examination`, `restructuring`, `correction` or `false-information`.
    #[schema(example = "examination")]
    class: String,
    /// The member's own reference of its decision: up to 64 letters, digits, dots, slashes and
    /// hyphens; no personal data.
    #[serde(default)]
    #[schema(example = "RES-2026/114")]
    reference: String,
    /// When it takes effect; now if absent. An annulment takes effect from the beginning of the
    /// validity whatever is stated here.
    effective: Option<TimeForm>,
}

impl ChangeForm {
    /// The call of `action`'s method.
    pub(super) fn read(self, node: &dyn NodePort, action: Action) -> Result<OfficerCall, ApiError> {
        let args = ChangeStatus {
            operator: Operator::read(node, &self.scheme, &self.identifier)?.tag,
            number: fields::number(&self.number)?,
            effective_ms: times::takes_effect(self.effective.as_ref())?,
            class: fields::named("class", &self.class)?,
            reference: reference(self.reference)?,
        };
        Ok(call(action.name(), &args))
    }
}

fn reference(text: String) -> Result<String, Wrong> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'-');
    if text.len() <= MAX_REFERENCE_BYTES && text.bytes().all(allowed) {
        return Ok(text);
    }
    let rule = format!("at most {MAX_REFERENCE_BYTES} letters, digits, dots, slashes and hyphens");
    Err(Wrong::new("reference", rule))
}

/// A row of a batch: what to do, and the form of doing that alone.
#[derive(ToSchema)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(dead_code, reason = "says in the interface's document what `read_row` reads")]
pub(crate) enum BatchRow {
    Certify(CertifyForm),
    Amend(AmendForm),
    Suspend(ChangeForm),
    Reinstate(ChangeForm),
    Withdraw(ChangeForm),
    Revoke(ChangeForm),
    Annul(ChangeForm),
}

/// The call of a row. Each row is read by itself, so that a malformed one is that row's error.
pub(super) fn read_row(node: &dyn NodePort, row: Value) -> Result<OfficerCall, ApiError> {
    let Value::Object(mut row) = row else {
        return Err(Wrong::new("row", "expected an object").into());
    };
    let action = match row.remove("action") {
        None => Action::Certify,
        Some(Value::String(name)) => fields::named("action", &name)?,
        Some(_) => return Err(Wrong::new("action", "expected a text").into()),
    };
    match action {
        Action::Certify => form::<CertifyForm>(row)?.read(node),
        Action::Amend => form::<AmendForm>(row)?.read(node),
        Action::Suspend | Action::Reinstate | Action::Revoke | Action::Withdraw | Action::Annul => {
            form::<ChangeForm>(row)?.read(node, action)
        }
    }
}

fn form<T: DeserializeOwned>(row: Map<String, Value>) -> Result<T, Wrong> {
    serde_json::from_value(Value::Object(row)).map_err(|error| Wrong::new("row", error.to_string()))
}

/// A call of the contract.
pub(super) fn call<T: Encode<()>>(method: &str, args: &T) -> OfficerCall {
    OfficerCall { contract: CONTRACT.into(), method: method.into(), args: cbor::encode(args) }
}
