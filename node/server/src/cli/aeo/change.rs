//! What officers do to one authorization.

use clap::{ArgAction, Args};
use precinto_client::{
    Client, Consistency,
    types::{
        AmendRequest, CertifyRequest, ChangeRequest, DecideRequest, PendingAction,
        TransactionAnswer,
    },
};
use precinto_protocol::{
    aeo::{AeoType, ReasonClass, SupplyChainRole},
    transaction::TransactionId,
};

use super::{
    args::{Authorization, Kinds, names},
    report,
};
use crate::cli::{
    WAIT,
    named::Named,
    network::print_as_of,
    output::{self, Table},
};

/// `aeo certify`.
#[derive(Debug, Args)]
pub struct Certify {
    #[command(flatten)]
    authorization: Authorization,
    #[command(flatten)]
    kinds: Kinds,
    /// First day of validity, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    from: String,
    /// Last day of validity, YYYY-MM-DD; valid until it is ended if not given
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// The holder consents to benefits abroad
    #[arg(long)]
    consent: bool,
    /// Put the identifier on the ledger in clear, where your law publishes it
    #[arg(long)]
    publish: bool,
    /// Commitment of the private record: 64 hexadecimal characters
    #[arg(long, value_name = "HASH")]
    record: Option<String>,
}

impl Certify {
    /// Grants it.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        let Authorization { operator, number } = self.authorization;
        let request = CertifyRequest {
            scheme: operator.scheme.to_string(),
            identifier: operator.identifier,
            number,
            types: names(&self.kinds.types),
            roles: names(&self.kinds.roles),
            valid_from: self.from,
            valid_until: self.until,
            consent: self.consent,
            publish: self.publish,
            record: self.record,
        };
        report(&client.aeo_certify(&request, Some(WAIT)).await?, json)
    }
}

/// `aeo amend`.
#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true, args = ["types", "roles", "until", "no_until", "consent", "publish", "record"])]
pub struct Amend {
    #[command(flatten)]
    authorization: Authorization,
    /// What it is for
    #[arg(long, value_delimiter = '+', value_parser = Named(AeoType::ALL, AeoType::name))]
    types: Vec<AeoType>,
    /// Roles in the supply chain, separated by +
    #[arg(long, value_delimiter = '+', value_parser = Named(SupplyChainRole::ALL, SupplyChainRole::name))]
    roles: Vec<SupplyChainRole>,
    /// Last day of validity, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Valid until it is ended
    #[arg(long, conflicts_with = "until")]
    no_until: bool,
    /// Whether the holder consents to benefits abroad
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    consent: Option<bool>,
    /// Whether the identifier is on the ledger in clear
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    publish: Option<bool>,
    /// Commitment of the private record: 64 hexadecimal characters
    #[arg(long, value_name = "HASH")]
    record: Option<String>,
    /// When it takes effect: a date (its beginning) or a time such as 2026-11-22T10:00:00Z; now if not given
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,
}

impl Amend {
    /// Amends it: the terms as they stand, with what was named changed.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        let Authorization { operator, number } = self.authorization;
        let member = client.status().await?.member;
        let known = client.aeo_number(&member, &number, Consistency::Linearizable).await?;
        let terms = known.authorization.authorization.terms;
        let named = |named: Vec<String>, present| if named.is_empty() { present } else { named };
        let request = AmendRequest {
            scheme: operator.scheme.to_string(),
            identifier: operator.identifier,
            number,
            types: named(names(&self.types), terms.types),
            roles: named(names(&self.roles), terms.roles),
            valid_until: self.until.or(terms.valid_until).filter(|_| !self.no_until),
            consent: self.consent.unwrap_or(terms.consent),
            publish: self.publish.unwrap_or(terms.identifier.is_some()),
            record: self.record.or(terms.record),
            effective: self.effective,
        };
        report(&client.aeo_amend(&request, Some(WAIT)).await?, json)
    }
}

/// A change of an authorization's status.
#[derive(Debug, Args)]
pub struct Change {
    #[command(flatten)]
    authorization: Authorization,
    /// Why
    #[arg(long, value_parser = Named(ReasonClass::ALL, ReasonClass::name))]
    reason: ReasonClass,
    /// Your own reference of the decision; no personal data
    #[arg(long, default_value = "", hide_default_value = true)]
    reference: String,
    /// When it takes effect: a date (its beginning) or a time such as 2026-11-22T10:00:00Z; now if not given
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,
}

/// Which change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Suspend.
    Suspend,
    /// Reinstate.
    Reinstate,
    /// Withdraw.
    Withdraw,
    /// Propose to revoke.
    Revoke,
    /// Propose to annul.
    Annul,
}

impl Change {
    /// Changes it, or proposes to.
    pub async fn run(self, client: &Client, kind: Kind, json: bool) -> anyhow::Result<()> {
        let Authorization { operator, number } = self.authorization;
        let request = ChangeRequest {
            scheme: operator.scheme.to_string(),
            identifier: operator.identifier,
            number,
            class: self.reason.to_string(),
            reference: self.reference,
            effective: self.effective,
        };
        let wait = Some(WAIT);
        let done = match kind {
            Kind::Suspend => client.aeo_suspend(&request, wait).await?,
            Kind::Reinstate => client.aeo_reinstate(&request, wait).await?,
            Kind::Withdraw => client.aeo_withdraw(&request, wait).await?,
            Kind::Revoke => client.aeo_revoke(&request, wait).await?,
            Kind::Annul => client.aeo_annul(&request, wait).await?,
        };
        report(&done, json)?;
        if matches!(kind, Kind::Revoke | Kind::Annul) && !json {
            explain_proposal(&request, &done);
        }
        Ok(())
    }
}

fn explain_proposal(request: &ChangeRequest, proposal: &TransactionAnswer) {
    output::line(format_args!(
        "This is a proposal. Another person of your member approves it with:\n  precinto --account \
         supervisor aeo approve {} --proposal {}",
        request.number, proposal.id
    ));
}

/// A decision about a proposal.
#[derive(Debug, Args)]
pub struct Decide {
    /// Authorization number
    number: String,
    /// The proposing transaction, so that what is decided about is what was seen
    #[arg(long, value_name = "TRANSACTION")]
    proposal: TransactionId,
}

impl Decide {
    /// Approves, or declines.
    pub async fn run(self, client: &Client, approve: bool, json: bool) -> anyhow::Result<()> {
        let request = DecideRequest { number: self.number, proposal: self.proposal };
        let done = if approve {
            client.aeo_approve(&request, Some(WAIT)).await?
        } else {
            client.aeo_decline(&request, Some(WAIT)).await?
        };
        report(&done, json)
    }
}

/// Shows what waits for another person of the member.
pub async fn pending(client: &Client, json: bool) -> anyhow::Result<()> {
    let (mut all, mut cursor): (Vec<PendingAction>, Option<String>) = (Vec::new(), None);
    let as_of = loop {
        let page = client.aeo_pending(cursor.as_deref(), None).await?;
        all.extend(page.pending);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break page.as_of,
        }
    };
    if json {
        output::json(&serde_json::json!({ "pending": all, "as_of": as_of }));
        return Ok(());
    }
    let headings = ["NUMBER", "ACTION", "WHY", "PROPOSED (UTC)", "UNTIL (UTC)", "PROPOSAL"];
    let mut table = Table::new(headings);
    for action in all {
        let until = output::time(action.expires_ms);
        table.row([
            action.number,
            action.action,
            action.class,
            output::time(action.proposed_ms),
            if action.expired { format!("{until} (expired)") } else { until },
            action.proposal.to_string(),
        ]);
    }
    output::table(&table);
    print_as_of(&as_of);
    Ok(())
}
