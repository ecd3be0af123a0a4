//! What is known of one operator.

use clap::Args;
use precinto_client::{
    Client, Consistency,
    types::{AsKnown, BenefitQuestion, FoundAnswer, HistoryEntry, StandingAuthorization},
};
use precinto_protocol::aeo::{AeoType, SupplyChainRole};

use super::args::{Operator, Times, consistency};
use crate::cli::{
    exit::Negative,
    identity::known_member,
    named::Named,
    network::print_as_of,
    output::{self, Table, short},
};

/// `aeo show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    operator: Operator,
    #[command(flatten)]
    times: Times,
    /// End with exit code 5 unless an authorization is in force
    #[arg(long)]
    check: bool,
}

impl Show {
    /// Shows what the identifier leads to.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        let Operator { scheme, identifier } = &self.operator;
        let answer = client.aeo_find(scheme.name(), identifier, self.times).await?;
        if json {
            output::json(&answer)
        } else {
            print_found(&answer)
        }
        let in_force = answer.authorizations().any(|standing| standing.in_force);
        if self.check && !in_force { Err(Negative.into()) } else { Ok(()) }
    }
}

fn print_found(answer: &FoundAnswer) {
    if answer.authorizations().next().is_none() {
        let (scheme, identifier) = (&answer.scheme, &answer.identifier);
        output::line(format_args!("{scheme} {identifier} has no authorization by any member"));
    } else {
        output::table(&standings(answer.authorizations()));
    }
    for operator in &answer.operators {
        for via in &operator.via {
            let (member, mode, tag) = (&via.member, &via.mode, short(&operator.operator));
            output::line(format_args!("Operator {tag} was found by an alias of {member} ({mode})"));
        }
    }
    print_as_known(&answer.as_of);
}

/// Authorizations as a table.
pub fn standings<'a>(all: impl Iterator<Item = &'a StandingAuthorization>) -> Table {
    let headings = [
        "MEMBER",
        "NUMBER",
        "OPERATOR",
        "TYPES",
        "ROLES",
        "STANDS",
        "SINCE (UTC)",
        "FROM",
        "UNTIL",
    ];
    let mut table = Table::new(headings);
    for standing in all {
        let authorization = &standing.authorization;
        let terms = &authorization.terms;
        let operator = terms.identifier.as_ref().map_or_else(
            || short(&authorization.operator).to_owned(),
            |identifier| format!("{} {}", identifier.scheme, identifier.value),
        );
        table.row([
            authorization.member.clone(),
            authorization.number.clone(),
            operator,
            terms.types.join("+"),
            terms.roles.join("+"),
            standing.standing.clone(),
            output::time(standing.since_ms),
            authorization.valid_from.clone(),
            terms.valid_until.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}

/// For which times an answer is true.
pub fn print_as_known(as_of: &AsKnown) {
    let now_ms = as_of.state.time_ms;
    if as_of.effective_ms != now_ms || as_of.known_ms != now_ms {
        let (effective, known) = (output::time(as_of.effective_ms), output::time(as_of.known_ms));
        output::line(format_args!("As it was at {effective} UTC, as known at {known} UTC"));
    }
    print_as_of(&as_of.state);
}

/// `aeo history`.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    operator: Operator,
    /// Only what this member asserted
    #[arg(long)]
    member: Option<String>,
    /// Only the authorization of this number
    #[arg(long)]
    number: Option<String>,
    /// Only what was recorded until then: a date (its end) or a time
    #[arg(long, value_name = "TIME")]
    known: Option<String>,
}

impl History {
    /// Shows all that was recorded about the operator.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        let Operator { scheme, identifier } = &self.operator;
        let found = client.aeo_find(scheme.name(), identifier, Consistency::Local).await?;
        let mut entries: Vec<HistoryEntry> = Vec::new();
        for standing in found.authorizations() {
            let (member, number) = (&standing.authorization.member, &standing.authorization.number);
            let wanted = |wanted: &Option<String>, has| wanted.as_ref().is_none_or(|it| it == has);
            if wanted(&self.member, member) && wanted(&self.number, number) {
                entries.extend(self.one(client, member, number).await?);
            }
        }
        if json {
            output::json(&serde_json::json!({ "entries": entries, "as_of": found.as_of.state }));
        } else if entries.is_empty() {
            print_found(&found);
        } else {
            print_history(&entries);
            print_as_of(&found.as_of.state);
        }
        Ok(())
    }

    async fn one(
        &self,
        client: &Client,
        member: &str,
        number: &str,
    ) -> anyhow::Result<Vec<HistoryEntry>> {
        let (mut entries, mut from) = (Vec::new(), 0);
        loop {
            let page = client.aeo_history(member, number, from, self.known.as_deref()).await?;
            if page.entries.is_empty() {
                return Ok(entries);
            }
            from = page.next;
            entries.extend(page.entries);
        }
    }
}

fn print_history(entries: &[HistoryEntry]) {
    let mut table = Table::new([
        "RECORDED (UTC)",
        "MEMBER",
        "NUMBER",
        "ACTION",
        "WHY",
        "REFERENCE",
        "EFFECTIVE (UTC)",
        "PERSONS",
        "HEIGHT",
        "TRANSACTION",
    ]);
    for entry in entries {
        let transition = &entry.transition;
        table.row([
            output::time(entry.recorded_ms),
            entry.member.clone(),
            transition.authorization.number.clone(),
            transition.action.clone(),
            transition.class.clone().unwrap_or_default(),
            transition.reference.clone(),
            output::time(transition.effective_ms),
            if transition.proposed_by.is_some() { "2" } else { "1" }.to_owned(),
            entry.recorded_height.to_string(),
            entry.transaction.to_string(),
        ]);
    }
    output::table(&table);
}

/// `aeo benefit`.
#[derive(Debug, Args)]
pub struct Benefit {
    /// The arrangement
    mra: String,
    /// The member that authorized the operator
    partner: String,
    #[command(flatten)]
    operator: Operator,
    /// What the operator does in this consignment
    #[arg(long, value_parser = Named(SupplyChainRole::ALL, SupplyChainRole::name))]
    role: SupplyChainRole,
    /// The type that the benefit asks for
    #[arg(long = "type", value_parser = Named(AeoType::ALL, AeoType::name))]
    aeo_type: AeoType,
    /// The member that would grant the benefit; that of the asked node if not given
    #[arg(long)]
    member: Option<String>,
    /// As of when: a date (its end) or a time such as 2026-11-22T10:00:00Z; now if not given
    #[arg(long, visible_alias = "effective", value_name = "TIME")]
    date: Option<String>,
    /// As it was known then: a date (its end) or a time; now if not given
    #[arg(long, value_name = "TIME")]
    known: Option<String>,
    /// Ask a quorum first, so that the answer is not older than the question
    #[arg(long)]
    linearizable: bool,
    /// End with exit code 5 if it is not due
    #[arg(long)]
    check: bool,
}

impl Benefit {
    /// Asks whether it is due.
    pub async fn run(self, client: &Client, json: bool) -> anyhow::Result<()> {
        for member in [Some(&self.partner), self.member.as_ref()].into_iter().flatten() {
            known_member(client, member).await?;
        }
        let question = BenefitQuestion {
            mra: self.mra,
            partner: self.partner,
            member: self.member,
            scheme: self.operator.scheme.to_string(),
            identifier: self.operator.identifier,
            role: self.role.to_string(),
            aeo_type: self.aeo_type.to_string(),
            date: self.date,
            known: self.known,
            consistency: consistency(self.linearizable),
        };
        let answer = client.aeo_benefit(&question).await?;
        if json {
            output::json(&answer);
        } else {
            output::line(format_args!("{} [{}]", answer.explanation, answer.reason));
            if let Some(since_ms) = answer.since_ms {
                output::line(format_args!("Since {} UTC", output::time(since_ms)));
            }
            print_as_known(&answer.as_of);
        }
        if self.check && !answer.due { Err(Negative.into()) } else { Ok(()) }
    }
}
