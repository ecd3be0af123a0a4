//! Lists of authorizations, in pages that fit together.
//!
//! A cursor carries all that a page depends on: the filter, the two times and the height that the
//! first page was read at. So pages fit together whatever is recorded meanwhile, and the next one may
//! be asked of another node, once that has reached the height.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use minicbor::{Decode, Encode};
use precinto_protocol::{
    aeo::{
        self, Date, StandingAuthorization,
        query::{ListFilter, ListPage, ListQuery},
    },
    cbor,
    hash::sha256,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::{AsKnown, StandingAnswer},
    fields::{self, Wrong},
    queries::{ask, read_limit},
    times,
};
use crate::{
    codes,
    error::{ApiError, Problem},
    extract::ApiQuery,
    limits::MAX_LIST_CALLS,
    model::{AsOf, ConsistencyParam},
    port::NodePort,
    reading::Reading,
};

/// Days that `ends_within_days` looks ahead at most: longer than any validity.
const MAX_DAYS: u32 = 36_525;

/// How long a page waits for this node to reach the height that its cursor is of: nodes are some
/// milliseconds apart.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(1);

/// Which authorizations, and which page of them.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Granted by this member.
    member: Option<String>,
    /// Stood so: `not-yet-valid`, `valid`, `suspended`, `expired`, `revoked`, `withdrawn` or
    /// `annulled`.
    standing: Option<String>,
    /// Has this type: `AEOC` or `AEOS`.
    #[serde(rename = "type")]
    aeo_type: Option<String>,
    /// Has this role in the supply chain.
    role: Option<String>,
    /// Of a kind that this arrangement recognizes.
    mra: Option<String>,
    /// The last day of validity comes by this day.
    #[param(format = Date)]
    ends_by: Option<String>,
    /// The last day of validity is the day that is asked about, or comes within this many days
    /// after it.
    ends_within_days: Option<u32>,
    /// The time that is asked about: a date (its last millisecond in UTC), an RFC 3339 time or
    /// milliseconds since 1970. If absent, that of `known`; without either, now.
    effective: Option<String>,
    /// Only what the ledger had recorded by then counts, in the same forms; all of it if absent.
    known: Option<String>,
    /// `next` of the page before; absent for the first. Filter and times are those of the first page:
    /// leave them out or repeat them.
    cursor: Option<String>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// A page of authorizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListAnswer {
    /// By operator, member and number; with `member`, by number.
    authorizations: Vec<StandingAnswer>,
    /// `cursor` of the next page; absent on the last. A page may hold fewer than asked for, even none,
    /// although more follow: a request looks at a bounded number of authorizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(flatten)]
    as_of: AsKnown,
}

/// Authorizations of all members, filtered, page by page.
#[utoipa::path(
    get, path = "/v1/aeo/authorizations", operation_id = "list_authorizations", tag = "aeo", params(ListParams),
    responses(
        (status = 200, description = "A page", body = ListAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiQuery(params): ApiQuery<ListParams>,
) -> Result<Json<ListAnswer>, ApiError> {
    let limit = read_limit(params.limit)? as usize;
    let mut place = Place::read(&*node, &params).await?;
    let mut items = Vec::new();
    let mut at;
    let mut calls = 0;
    loop {
        let wanted = limit - items.len();
        let page;
        (page, at) = place.ask(&*node, wanted, params.consistency).await?;
        items.extend(page.into_iter().filter(|it| place.wants(it)).map(StandingAnswer::from));
        calls += 1;
        if items.len() >= limit || place.after.is_empty() || calls >= MAX_LIST_CALLS {
            break;
        }
    }
    reading.record(place.asked(), at.height, items.len())?;
    let asked =
        place.as_of.unwrap_or(aeo::AsOf { effective_ms: at.time_ms, recorded_ms: at.time_ms });
    let next = (!place.after.is_empty()).then(|| hex::encode(cbor::encode(&place)));
    Ok(Json(ListAnswer { authorizations: items, next, as_of: AsKnown::new(at, asked) }))
}

/// Where a list stands: what a cursor carries.
#[derive(Encode, Decode)]
struct Place {
    /// Digest of the parameters that the first page was asked with.
    #[n(0)]
    asked: u64,
    /// Height that the first page was read at; 0 before.
    #[n(1)]
    height: u64,
    /// The two times; absent before the first page was read as of the present.
    #[n(2)]
    as_of: Option<aeo::AsOf>,
    #[n(3)]
    filter: ListFilter,
    /// First last day of validity that is wanted.
    #[n(4)]
    ends_from: Option<Date>,
    /// The contract's cursor.
    #[cbor(n(5), with = "minicbor::bytes")]
    after: Vec<u8>,
}

impl Place {
    /// The beginning, or where the cursor says.
    async fn read(node: &dyn NodePort, params: &ListParams) -> Result<Place, ApiError> {
        let Some(cursor) = &params.cursor else { return Place::first(node, params).await };
        let bad = || ApiError::parameter("cursor", "not the `next` of a page");
        let bytes = hex::decode(cursor).map_err(|_| bad())?;
        let place: Place = cbor::decode(&bytes).map_err(|_| bad())?;
        if params.digest().is_some_and(|digest| digest != place.asked) {
            let rule = "is of a list with another filter; repeat that or leave it out";
            return Err(ApiError::parameter("cursor", rule));
        }
        let mut heights = node.heights();
        let reached = heights.wait_for(|height| *height >= place.height);
        if !matches!(timeout(CATCH_UP_WITHIN, reached).await, Ok(Ok(_))) {
            let height = *node.heights().borrow();
            let detail = format!(
                "the pages before were read at height {}, this node has executed {height}",
                place.height
            );
            return Err(ApiError::new(codes::NODE_BEHIND, detail).retryable());
        }
        Ok(place)
    }

    async fn first(node: &dyn NodePort, params: &ListParams) -> Result<Place, ApiError> {
        let as_of = times::as_of(params.effective.as_deref(), params.known.as_deref())?;
        let mut filter = params.filter().map_err(Wrong::parameter)?;
        let mut ends_from = None;
        if let Some(days) = params.ends_within_days {
            if days > MAX_DAYS || filter.ends_by.is_some() {
                let rule = format!("0 to {MAX_DAYS}, and not together with ends_by");
                return Err(ApiError::parameter("ends_within_days", rule));
            }
            let today = match as_of {
                Some(as_of) => Date::of_ms(as_of.effective_ms),
                None => Date::of_ms(AsOf::newest(node).await?.time_ms),
            };
            ends_from = Some(today);
            filter.ends_by = Some(Date(today.0.saturating_add(days)));
        }
        let asked = params.digest().unwrap_or_default();
        Ok(Place { asked, height: 0, as_of, filter, ends_from, after: Vec::new() })
    }

    /// Asks the contract for what comes next, and moves on.
    async fn ask(
        &mut self,
        node: &dyn NodePort,
        wanted: usize,
        consistency: ConsistencyParam,
    ) -> Result<(Vec<StandingAuthorization>, AsOf), ApiError> {
        let query = ListQuery {
            filter: self.filter.clone(),
            as_of: self.as_of,
            after: self.after.clone(),
            limit: u32::try_from(wanted).unwrap_or(u32::MAX),
        };
        let (page, at): (ListPage, _) = ask(node, "list", &query, consistency).await?;
        if self.height == 0 {
            self.height = at.height;
            let recorded_ms = page.as_of.recorded_ms.min(at.time_ms);
            self.as_of = Some(aeo::AsOf { recorded_ms, ..page.as_of });
        }
        self.after = page.next;
        Ok((page.items, at))
    }

    /// For the audit trail: whose, and of which kind.
    fn asked(&self) -> serde_json::Value {
        let ListFilter { member, standing, mra, .. } = &self.filter;
        json!({
            "member": member, "standing": standing.map(|it| it.name()), "mra": mra,
            "after": hex::encode(&self.after),
        })
    }

    fn wants(&self, standing: &StandingAuthorization) -> bool {
        let valid_until = standing.authorization.terms.valid_until;
        self.ends_from.is_none_or(|from| valid_until.is_some_and(|until| until >= from))
    }
}

impl ListParams {
    fn filter(&self) -> Result<ListFilter, Wrong> {
        let ends_by = self.ends_by.as_deref();
        Ok(ListFilter {
            member: self.member.clone(),
            standing: fields::optional("standing", self.standing.as_deref())?,
            aeo_type: fields::optional("type", self.aeo_type.as_deref())?,
            role: fields::optional("role", self.role.as_deref())?,
            mra: self.mra.clone(),
            ends_by: ends_by.map(|text| fields::date("ends_by", text)).transpose()?,
        })
    }

    /// Of the parameters that every page has in common; `None` if there are none of them.
    fn digest(&self) -> Option<u64> {
        let days = self.ends_within_days.map(|days| days.to_string());
        let common = [
            &self.member,
            &self.standing,
            &self.aeo_type,
            &self.role,
            &self.mra,
            &self.ends_by,
            &days,
            &self.effective,
            &self.known,
        ];
        common.iter().any(|it| it.is_some()).then(|| {
            let digest = sha256(&[&cbor::encode(&common.map(Option::as_deref))]);
            digest.as_bytes()[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
        })
    }
}
