//! The ledger as an import sees it: the member's authorizations, lookup tags, and what is written.

use precinto_client::{
    Client, ClientError, Consistency, Problem,
    types::{
        AmendRequest, BatchMode, BatchRow, CertifyRequest, ItemAnswer, ListFilter,
        StandingAuthorization, WrittenIdentifier,
    },
};
use precinto_protocol::{aeo::Date, hash::Hash};

use super::{
    difference::{Ledger, Recorded},
    row::{ListedTerms, Row},
};
use crate::cli::WAIT;

/// Authorizations of one page: the most that the interface gives.
const PAGE: u32 = 100;

/// Identifiers of one request for lookup tags: the most that the interface takes.
const TAGS: usize = 1000;

/// A row to write.
pub struct Write<'a> {
    /// The row.
    pub row: &'a Row,
    /// What it amends; it is granted if there is nothing.
    pub amends: Option<&'a Recorded>,
}

/// All authorizations of a member, not older than the question.
///
/// # Errors
/// If the node cannot be asked, or answers what this program does not know.
pub async fn read(client: &Client, member: &str) -> Result<Ledger, ClientError> {
    let mut ledger = Ledger::new();
    let filter = ListFilter {
        member: Some(member.to_owned()),
        asked: Consistency::Linearizable.into(),
        ..ListFilter::default()
    };
    let mut cursor: Option<String> = None;
    loop {
        let page = client.aeo_list(&filter, cursor.as_deref(), Some(PAGE)).await?;
        for standing in &page.authorizations {
            let number = &standing.authorization.number;
            let recorded = Recorded::of(standing).ok_or_else(|| ClientError::Unexpected {
                status: 200,
                reason: format!("{number} has what this program does not know: update it"),
            })?;
            ledger.insert(number.clone(), recorded);
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(ledger),
        }
    }
}

impl Recorded {
    /// An authorization as a node tells of it; `None` if it uses words that this program does not know.
    pub fn of(standing: &StandingAuthorization) -> Option<Recorded> {
        let authorization = &standing.authorization;
        let terms = &authorization.terms;
        Some(Recorded {
            operator: authorization.operator.parse().ok()?,
            valid_from: Date::parse(&authorization.valid_from)?,
            terms: ListedTerms {
                types: terms.types.iter().map(|it| it.parse().ok()).collect::<Option<_>>()?,
                roles: terms.roles.iter().map(|it| it.parse().ok()).collect::<Option<_>>()?,
                valid_until: match &terms.valid_until {
                    Some(date) => Some(Date::parse(date)?),
                    None => None,
                },
                consent: terms.consent,
                publish: terms.identifier.is_some(),
            },
            record: terms.record.clone(),
            standing: standing.standing.parse().ok()?,
        })
    }
}

/// The lookup tag of each row's identifier; none for rows without one.
///
/// # Errors
/// If the node cannot be asked.
pub async fn tags(client: &Client, rows: &[Row]) -> Result<Vec<Option<Hash>>, ClientError> {
    let mut tags = Vec::with_capacity(rows.len());
    for rows in rows.chunks(TAGS) {
        let identifiers: Vec<WrittenIdentifier> = rows
            .iter()
            .filter_map(|row| row.identifier.as_ref())
            .map(|(scheme, identifier)| WrittenIdentifier {
                scheme: scheme.to_string(),
                identifier: identifier.clone(),
            })
            .collect();
        let answers =
            if identifiers.is_empty() { Vec::new() } else { client.aeo_tags(&identifiers).await? };
        let mut answers = answers.into_iter();
        tags.extend(rows.iter().map(|row| row.identifier.as_ref().and_then(|_| answers.next())));
    }
    Ok(tags)
}

/// Writes rows and waits for them: for each whether it is done (or not yet known to be), or why not.
///
/// # Errors
/// If the request as a whole was refused.
pub async fn write(
    client: &Client,
    writes: &[Write<'_>],
) -> Result<Vec<Result<bool, Box<Problem>>>, ClientError> {
    let rows: Vec<BatchRow> = writes.iter().map(request).collect();
    let answer = client.aeo_batch(&rows, BatchMode::SkipBad, Some(WAIT)).await?;
    let results = answer.results.into_iter().map(|result| match result {
        Some(item) => ItemAnswer::into_result(item).map(|done| done.height.is_some()),
        None => Ok(false),
    });
    Ok(results.collect())
}

fn request(write: &Write<'_>) -> BatchRow {
    let Row { identifier, number, valid_from, terms, .. } = write.row;
    let (scheme, identifier) = match identifier {
        Some((scheme, identifier)) => (scheme.to_string(), identifier.clone()),
        // Rows without an identifier are only compared.
        None => Default::default(),
    };
    let (number, consent, publish) = (number.clone(), terms.consent, terms.publish);
    let types = terms.types.iter().map(ToString::to_string).collect();
    let roles = terms.roles.iter().map(ToString::to_string).collect();
    let valid_until = terms.valid_until.map(|date| date.to_string());
    match write.amends {
        None => BatchRow::Certify(CertifyRequest {
            scheme,
            identifier,
            number,
            types,
            roles,
            valid_from: valid_from.to_string(),
            valid_until,
            consent,
            publish,
            record: None,
        }),
        Some(recorded) => BatchRow::Amend(AmendRequest {
            scheme,
            identifier,
            number,
            types,
            roles,
            valid_until,
            consent,
            publish,
            record: recorded.record.clone(),
            effective: None,
        }),
    }
}
