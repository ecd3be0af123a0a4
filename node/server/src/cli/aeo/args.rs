//! Arguments that several commands have.

use clap::Args;
use precinto_client::{
    Consistency,
    types::{Asked, WrittenIdentifier},
};
use precinto_protocol::aeo::{AeoType, Scheme, SupplyChainRole};

use crate::cli::named::Named;

/// An operator.
#[derive(Debug, Args)]
pub struct Operator {
    /// Register of the identifier
    #[arg(value_parser = Named(Scheme::ALL, Scheme::name))]
    pub scheme: Scheme,
    /// The identifier; spaces, hyphens, dots and slashes do not matter
    pub identifier: String,
}

impl Operator {
    /// As the interface takes it.
    pub fn written(&self) -> WrittenIdentifier {
        WrittenIdentifier { scheme: self.scheme.to_string(), identifier: self.identifier.clone() }
    }
}

/// An authorization of the asked node's member.
#[derive(Debug, Args)]
pub struct Authorization {
    /// The operator.
    #[command(flatten)]
    pub operator: Operator,
    /// Authorization number
    pub number: String,
}

/// As of when, and how fresh.
#[derive(Debug, Args)]
pub struct Times {
    /// What was the case then: a date (its end), a time such as 2026-11-22T10:00:00Z; now if not given
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,
    /// As it was known then: a date (its end) or a time; now if not given
    #[arg(long, value_name = "TIME")]
    known: Option<String>,
    /// Ask a quorum first, so that the answer is not older than the question
    #[arg(long)]
    linearizable: bool,
}

impl From<Times> for Asked {
    fn from(times: Times) -> Asked {
        let Times { effective, known, linearizable } = times;
        Asked { effective, known, consistency: consistency(linearizable) }
    }
}

/// How fresh an answer must be.
pub fn consistency(linearizable: bool) -> Consistency {
    if linearizable { Consistency::Linearizable } else { Consistency::Local }
}

/// What is granted, or recognized.
#[derive(Debug, Args)]
pub struct Kinds {
    /// What it is for
    #[arg(long, value_delimiter = '+', required = true, value_parser = Named(AeoType::ALL, AeoType::name))]
    pub types: Vec<AeoType>,
    /// Roles in the supply chain, separated by +
    #[arg(long, value_delimiter = '+', required = true, value_parser = Named(SupplyChainRole::ALL, SupplyChainRole::name))]
    pub roles: Vec<SupplyChainRole>,
}

/// Names of values.
pub fn names<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
