//! Is a benefit due, and why?

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::aeo::{self, BenefitQuery, BenefitReason, Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::{AsKnown, StandingAnswer},
    fields::{self, Wrong},
    queries::{ask, read_operator},
    times,
};
use crate::{
    error::{ApiError, Problem},
    extract::ApiQuery,
    model::ConsistencyParam,
    port::NodePort,
};

/// Which benefit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BenefitParams {
    /// The arrangement.
    mra: String,
    /// Who authorized the operator.
    partner: String,
    /// Who would grant the benefit; this node's member if absent.
    member: Option<String>,
    /// Scheme of the identifier under which the operator appears.
    scheme: String,
    /// The identifier.
    identifier: String,
    /// What the operator does in this consignment.
    role: String,
    /// The type the benefit asks for: `AEOC` or `AEOS`.
    #[serde(rename = "type")]
    aeo_type: String,
    /// The time that is asked about: a date (its last millisecond in UTC), an RFC 3339 time or
    /// milliseconds since 1970. If absent, that of `known`; without either, now.
    date: Option<String>,
    /// Only what the ledger had recorded by then counts, in the same forms; all of it if absent.
    known: Option<String>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// Whether a benefit is due.
#[derive(Serialize, ToSchema)]
pub(crate) struct BenefitAnswer {
    /// Whether it is due.
    due: bool,
    /// Why: `due`, or the reason why not.
    #[schema(example = "suspended")]
    reason: String,
    /// The same in a sentence, for people.
    explanation: String,
    /// Since when that has been so, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<u64>,
    /// The authorization that decided, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<StandingAnswer>,
    #[serde(flatten)]
    as_of: AsKnown,
}

/// Whether a member owes a benefit to an operator that a partner authorized, and why.
#[utoipa::path(
    get, path = "/v1/aeo/benefit", operation_id = "benefit", tag = "aeo", params(BenefitParams),
    responses(
        (status = 200, description = "The answer, with its reason", body = BenefitAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn benefit(
    State(node): State<Arc<dyn NodePort>>,
    ApiQuery(params): ApiQuery<BenefitParams>,
) -> Result<Json<BenefitAnswer>, ApiError> {
    let query = BenefitQuery {
        mra: params.mra,
        member: params.member.unwrap_or_else(|| node.member()),
        partner: params.partner,
        tag: read_operator(&*node, &params.scheme, &params.identifier)?.tag,
        role: fields::named("role", &params.role).map_err(Wrong::parameter)?,
        aeo_type: fields::named("type", &params.aeo_type).map_err(Wrong::parameter)?,
        as_of: times::as_of(params.date.as_deref(), params.known.as_deref())?,
    };
    let (answer, at): (aeo::BenefitAnswer, _) =
        ask(&*node, "benefit", &query, params.consistency).await?;
    Ok(Json(BenefitAnswer {
        due: answer.is_due(),
        reason: answer.reason.to_string(),
        explanation: explain(&query, &answer),
        since_ms: answer.since_ms,
        as_of: AsKnown::new(at, answer.as_of),
        authorization: answer.authorization.map(StandingAnswer::from),
    }))
}

/// The answer in one sentence.
fn explain(query: &BenefitQuery, answer: &aeo::BenefitAnswer) -> String {
    let BenefitQuery { mra, member, partner, role, aeo_type, .. } = query;
    let number = answer.authorization.as_ref().map(|it| it.authorization.number.as_str());
    let number = number.unwrap_or_default();
    let since = answer.since_ms.map(|since| format!(" since {}", day(since))).unwrap_or_default();
    let reason = match answer.reason {
        BenefitReason::Due => {
            return format!(
                "A benefit is due{since}: {partner}'s authorization {number} is in force and \
                 {member} recognizes it under {mra}."
            );
        }
        BenefitReason::UnknownMra => format!("there is no arrangement {mra}"),
        BenefitReason::MemberNotParty => format!("{member} is no party of {mra}"),
        BenefitReason::PartnerNotParty => format!("{partner} is no party of {mra}"),
        BenefitReason::MraNotAccepted => {
            format!("{member} and {partner} have not both accepted {mra}")
        }
        BenefitReason::MraNotYetInForce => {
            format!("{mra} is not yet applied between {member} and {partner}")
        }
        BenefitReason::MraEnded => {
            format!("{mra} is no longer applied between {member} and {partner}{since}")
        }
        BenefitReason::TypeNotRecognized => format!("{mra} does not recognize the type {aeo_type}"),
        BenefitReason::RoleNotRecognized => format!("{mra} gives the role {role} no benefit"),
        BenefitReason::UnknownOperator => {
            format!("{partner} has authorized no operator with this identifier")
        }
        BenefitReason::Annulled => {
            format!(
                "authorization {number} of {partner} was annulled: it is void from the beginning"
            )
        }
        BenefitReason::Revoked => format!("authorization {number} of {partner} is revoked{since}"),
        BenefitReason::Withdrawn => {
            format!("authorization {number} of {partner} was given up by its holder{since}")
        }
        BenefitReason::Expired => format!("authorization {number} of {partner} is expired{since}"),
        BenefitReason::NotYetValid => {
            format!("authorization {number} of {partner} is not yet valid")
        }
        BenefitReason::TypeNotHeld => {
            format!("authorization {number} of {partner} is not of the type {aeo_type}")
        }
        BenefitReason::RoleNotHeld => {
            format!("authorization {number} of {partner} does not cover the role {role}")
        }
        BenefitReason::NoConsent => {
            format!("the holder of authorization {number} of {partner} did not consent")
        }
        BenefitReason::Suspended => {
            format!("authorization {number} of {partner} is suspended{since}")
        }
    };
    format!("No benefit is due: {reason}.")
}

/// A time for people, in UTC.
fn day(time_ms: u64) -> String {
    let minutes = time_ms / 60_000 % (24 * 60);
    match minutes {
        0 => Date::of_ms(time_ms).to_string(),
        _ => format!("{} {:02}:{:02} UTC", Date::of_ms(time_ms), minutes / 60, minutes % 60),
    }
}
