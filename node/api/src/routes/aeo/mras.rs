//! Mutual recognition arrangements.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State};
use precinto_protocol::{
    aeo::{
        AcceptMra, LeaveMra, Mra, MraTerms, PairActivation, ProposeMra,
        mra::MAX_MRA_ID_BYTES,
        query::{MraPage, MraQuery, MrasQuery},
    },
    identity::Role,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::MraAnswer,
    commands::{Answer, run},
    fields::{self, Wrong},
    forms::call,
    queries::{ask, read_limit},
    times::{self, TimeForm},
};
use crate::{
    auth::Caller,
    codes,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiPath, ApiQuery},
    model::{AsOf, ConsistencyParam, WaitParams},
    port::NodePort,
};

/// The role in which a member concludes and leaves arrangements.
const ROLE: Role = Role::Supervisor;

/// An arrangement to propose. Its terms never change: other terms are another arrangement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MraForm {
    /// A new id: 1 to 32 lower-case letters, digits and hyphens.
    #[schema(example = "mercosur-2026")]
    id: String,
    /// Two or more members' ids, this node's member among them.
    #[schema(example = json!(["br-rfb", "uy-dna"]))]
    parties: Vec<String>,
    /// Types that are recognized: `AEOC`, `AEOS`, or both.
    #[schema(example = json!(["AEOS"]))]
    types: Vec<String>,
    /// Roles that get benefits.
    #[schema(example = json!(["importer", "exporter"]))]
    roles: Vec<String>,
    /// Whether the holder's consent is needed.
    #[serde(default)]
    needs_consent: bool,
    /// First day.
    #[schema(format = Date, example = "2026-01-01")]
    valid_from: String,
    /// Last day, if it ends by itself.
    #[schema(format = Date)]
    valid_until: Option<String>,
    /// Pairs that start later than the whole.
    #[serde(default)]
    activations: Vec<ActivationForm>,
    /// SHA-256 of the legal text, 64 hexadecimal characters.
    text: Option<String>,
}

/// From when an arrangement of many is applied between two of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivationForm {
    /// One party.
    a: String,
    /// The other.
    b: String,
    /// First day.
    #[schema(format = Date, example = "2026-07-01")]
    from: String,
}

impl MraForm {
    fn read(self) -> Result<ProposeMra, Wrong> {
        let parties: BTreeSet<String> = self.parties.into_iter().collect();
        let mut activations = self
            .activations
            .into_iter()
            .map(ActivationForm::read)
            .collect::<Result<Vec<_>, _>>()?;
        activations.sort_by(|one, other| (&one.a, &one.b).cmp(&(&other.a, &other.b)));
        let valid_until = self.valid_until.as_deref();
        let text = self.text.as_deref();
        let terms = MraTerms {
            parties: parties.into_iter().collect(),
            types: fields::types(&self.types)?,
            roles: fields::roles(&self.roles)?,
            needs_consent: self.needs_consent,
            valid_from: fields::date("valid_from", &self.valid_from)?,
            valid_until: valid_until.map(|it| fields::date("valid_until", it)).transpose()?,
            activations,
            text: text.map(|it| fields::hash("text", it)).transpose()?,
        };
        Ok(ProposeMra { id: id(&self.id)?, terms })
    }
}

impl ActivationForm {
    fn read(self) -> Result<PairActivation, Wrong> {
        let from = fields::date("activations", &self.from)?;
        let (a, b) = if self.a <= self.b { (self.a, self.b) } else { (self.b, self.a) };
        Ok(PairActivation { a, b, from })
    }
}

fn id(text: &str) -> Result<String, Wrong> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_MRA_ID_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    let rule = format!("expected 1 to {MAX_MRA_ID_BYTES} lower-case letters, digits and hyphens");
    Err(Wrong::new("id", rule))
}

/// Proposes an arrangement, and by that accepts it for the caller's member.
#[utoipa::path(
    post, path = "/v1/aeo/mras", operation_id = "propose_mra", tag = "aeo", params(WaitParams), request_body = MraForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn propose(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<MraForm>,
) -> Answer {
    let supervisor = caller.acting_as(ROLE, &node.channel())?;
    run(&*node, supervisor, &wait, call("propose-mra", &form.read()?)).await
}

/// Accepts an arrangement for the caller's member.
#[utoipa::path(
    post, path = "/v1/aeo/mras/{id}/accept", operation_id = "accept_mra", tag = "aeo",
    params(("id" = String, Path, description = "The arrangement"), WaitParams),
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn accept(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiPath(mra): ApiPath<String>,
    ApiQuery(wait): ApiQuery<WaitParams>,
) -> Answer {
    let supervisor = caller.acting_as(ROLE, &node.channel())?;
    let id = id(&mra).map_err(Wrong::parameter)?;
    run(&*node, supervisor, &wait, call("accept-mra", &AcceptMra { id })).await
}

/// When a party leaves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaveForm {
    /// When it takes effect, not before it is recorded; now if absent.
    effective: Option<TimeForm>,
}

/// Leaves an arrangement for the caller's member, for ever.
#[utoipa::path(
    post, path = "/v1/aeo/mras/{id}/leave", operation_id = "leave_mra", tag = "aeo",
    params(("id" = String, Path, description = "The arrangement"), WaitParams), request_body = LeaveForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn leave(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiPath(mra): ApiPath<String>,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<LeaveForm>,
) -> Answer {
    let supervisor = caller.acting_as(ROLE, &node.channel())?;
    let args = LeaveMra {
        id: id(&mra).map_err(Wrong::parameter)?,
        effective_ms: times::takes_effect(form.effective.as_ref())?.unwrap_or(0),
    };
    run(&*node, supervisor, &wait, call("leave-mra", &args)).await
}

/// Which page of the arrangements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MrasParams {
    /// `next` of the page before; absent for the first.
    cursor: Option<String>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// A page of arrangements.
#[derive(Serialize, ToSchema)]
pub(crate) struct MrasAnswer {
    /// By id.
    mras: Vec<MraAnswer>,
    /// `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// All arrangements, page by page.
#[utoipa::path(
    get, path = "/v1/aeo/mras", operation_id = "list_mras", tag = "aeo", params(MrasParams),
    responses(
        (status = 200, description = "A page", body = MrasAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    ApiQuery(params): ApiQuery<MrasParams>,
) -> Result<Json<MrasAnswer>, ApiError> {
    let after = params.cursor.map(|cursor| id(&cursor)).transpose();
    let after = after.map_err(|_| ApiError::parameter("cursor", "not the `next` of a page"))?;
    let query = MrasQuery { after: after.unwrap_or_default(), limit: read_limit(params.limit)? };
    let (page, as_of): (MraPage, _) = ask(&*node, "mras", &query, params.consistency).await?;
    let next = page.items.last().filter(|_| page.more).map(|mra| mra.id.clone());
    let mras = page.items.into_iter().map(MraAnswer::from).collect();
    Ok(Json(MrasAnswer { mras, next, as_of }))
}

/// How fresh the answer must be.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MraParams {
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// An arrangement.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneMraAnswer {
    /// The arrangement.
    mra: MraAnswer,
    #[serde(flatten)]
    as_of: AsOf,
}

/// One arrangement, with all that happened to it.
#[utoipa::path(
    get, path = "/v1/aeo/mras/{id}", operation_id = "show_mra", tag = "aeo",
    params(("id" = String, Path, description = "The arrangement"), MraParams),
    responses(
        (status = 200, description = "The arrangement", body = OneMraAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath(mra): ApiPath<String>,
    ApiQuery(params): ApiQuery<MraParams>,
) -> Result<Json<OneMraAnswer>, ApiError> {
    let query = MraQuery { id: id(&mra).map_err(Wrong::parameter)? };
    let (found, as_of): (Option<Mra>, _) = ask(&*node, "mra", &query, params.consistency).await?;
    let found = found.ok_or_else(|| {
        let detail = format!("no arrangement {mra:?} as of height {}", as_of.height);
        ApiError::new(codes::UNKNOWN_MRA, detail)
    })?;
    Ok(Json(OneMraAnswer { mra: found.into(), as_of }))
}
