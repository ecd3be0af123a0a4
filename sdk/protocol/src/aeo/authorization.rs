//! An authorization, and the calls that grant and change it.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use super::Date;
use crate::{hash::Hash, identity::MemberId, names::named};

named! {
    /// What an authorization is for (UCC Art. 38); an operator may hold both.
    #[derive(PartialOrd, Ord)]
    pub enum AeoType {
        /// Customs simplifications.
        C = 0, "AEOC";
        /// Security and safety.
        S = 1, "AEOS";
    }
}

named! {
    /// What the operator does in the supply chain, as far as the authorization covers it.
    #[derive(PartialOrd, Ord)]
    pub enum SupplyChainRole {
        /// Makes goods.
        Manufacturer = 0, "manufacturer";
        /// Brings goods in.
        Importer = 1, "importer";
        /// Sends goods out.
        Exporter = 2, "exporter";
        /// Declares for others; without benefit in some arrangements.
        Broker = 3, "broker";
        /// Organizes transport.
        Forwarder = 4, "forwarder";
        /// Consolidates cargo.
        Consolidator = 5, "consolidator";
        /// Carries by road, sea or air.
        Carrier = 6, "carrier";
        /// Carries by rail.
        RailOperator = 7, "rail-operator";
        /// Carries parcels.
        ParcelOperator = 8, "parcel-operator";
        /// Keeps a warehouse.
        WarehouseKeeper = 9, "warehouse-keeper";
        /// Runs a port.
        PortOperator = 10, "port-operator";
        /// Runs an airport.
        AirportOperator = 11, "airport-operator";
        /// Runs a terminal.
        TerminalOperator = 12, "terminal-operator";
        /// Runs bonded premises.
        BondedPremises = 13, "bonded-premises";
        /// Runs an industrial park.
        IndustrialPark = 14, "industrial-park";
    }
}

named! {
    /// Status of an authorization as last recorded. That it expired is not recorded: it follows
    /// from the validity and the time that is asked about ([`super::Standing`]).
    pub enum AeoStatus {
        /// In force within its validity.
        Valid = 0, "valid";
        /// Not in force until reinstated.
        Suspended = 1, "suspended";
        /// Ended by the member, for ever.
        Revoked = 2, "revoked";
        /// Given up by its holder, for ever.
        Withdrawn = 3, "withdrawn";
        /// Void from the beginning, for ever.
        Annulled = 4, "annulled";
    }
}

impl AeoStatus {
    /// Whether nothing can follow: a new grant gets a new number.
    pub fn is_terminal(self) -> bool {
        matches!(self, AeoStatus::Revoked | AeoStatus::Withdrawn | AeoStatus::Annulled)
    }
}

named! {
    /// What happened to an authorization.
    pub enum Action {
        /// Granted.
        Certify = 0, "certify";
        /// Its terms changed, its status did not.
        Amend = 1, "amend";
        /// Suspended.
        Suspend = 2, "suspend";
        /// Reinstated.
        Reinstate = 3, "reinstate";
        /// Revoked.
        Revoke = 4, "revoke";
        /// Given up by its holder.
        Withdraw = 5, "withdraw";
        /// Declared void from the beginning.
        Annul = 6, "annul";
    }
}

named! {
    /// Why a status changed, in classes that partners can act on (after UCC DA Art. 28 to 34).
    pub enum ReasonClass {
        /// The holder asked for it.
        HolderRequest = 0, "holder-request";
        /// A criterion or condition is no longer met, or met again.
        Criteria = 1, "criteria";
        /// A serious or repeated infringement of customs or tax law.
        Infringement = 2, "infringement";
        /// A criminal procedure is open.
        CriminalProcedure = 3, "criminal-procedure";
        /// Insolvency or tax debt.
        Solvency = 4, "solvency";
        /// A threat to security, safety, health or the environment.
        Security = 5, "security";
        /// Under examination, nothing established yet.
        Examination = 6, "examination";
        /// The holder merged, split, or ceased.
        Restructuring = 7, "restructuring";
        /// The administration's own mistake is put right.
        Correction = 8, "correction";
        /// Granted on incorrect or incomplete information.
        FalseInformation = 9, "false-information";
    }
}

/// An identifier that the member's law publishes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PublicIdentifier {
    /// A [`super::Scheme`] by name: `eori`, `pe-ruc`.
    #[n(0)]
    pub scheme: String,
    /// Normalized identifier ([`super::Scheme::normalize`]).
    #[n(1)]
    pub value: String,
}

/// What the member grants and may amend.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Terms {
    /// Sorted, unique, not empty.
    #[n(0)]
    pub types: Vec<AeoType>,
    /// Sorted, unique, not empty.
    #[n(1)]
    pub roles: Vec<SupplyChainRole>,
    /// Last day of validity; without one it is valid until it is ended (as in the EU).
    #[n(2)]
    pub valid_until: Option<Date>,
    /// Whether the holder consents to benefits abroad, and so to being known there.
    #[n(3)]
    pub consent: bool,
    /// Present where the member's law publishes it.
    #[n(4)]
    pub identifier: Option<PublicIdentifier>,
    /// Commitment of the private record (names, addresses, contacts), if there is one.
    #[n(5)]
    pub record: Option<Hash>,
}

/// The public part of an authorization as last recorded.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Authorization {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The member that granted it; only its officers change it.
    #[n(1)]
    pub member: MemberId,
    /// The member's authorization number, used once.
    #[n(2)]
    pub number: String,
    /// First day of validity.
    #[n(3)]
    pub valid_from: Date,
    /// What is granted.
    #[n(4)]
    pub terms: Terms,
    /// Status.
    #[n(5)]
    pub status: AeoStatus,
    /// When the status takes effect, milliseconds since 1970.
    #[n(6)]
    pub effective_ms: u64,
    /// Ledger time of the last transition, milliseconds since 1970.
    #[n(7)]
    pub recorded_ms: u64,
    /// When the terms take effect, milliseconds since 1970.
    #[n(8)]
    pub terms_ms: u64,
}

/// Method `certify`: the caller's member grants an authorization. Takes effect at the beginning of
/// its first day, which may be long past when a list is imported.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Certify {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// A number the member has never used: `[A-Z0-9-]{1,24}`.
    #[n(1)]
    pub number: String,
    /// First day of validity.
    #[n(2)]
    pub valid_from: Date,
    /// What is granted.
    #[n(3)]
    pub terms: Terms,
}

/// Method `amend`: other terms, same status. Arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Amend {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The authorization's number.
    #[n(1)]
    pub number: String,
    /// When the new terms take effect, milliseconds since 1970; absent: when it is recorded, but not
    /// before the first day of validity.
    #[n(2)]
    pub effective_ms: Option<u64>,
    /// All terms as they are to be.
    #[n(3)]
    pub terms: Terms,
}

/// Methods `suspend`, `reinstate` and `withdraw`, which take effect by one officer's call, and
/// `revoke` and `annul`, which become a [`super::PendingAction`]: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChangeStatus {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The authorization's number.
    #[n(1)]
    pub number: String,
    /// When the change takes effect, milliseconds since 1970; absent: when it is recorded (a
    /// revocation: when it is approved), but not before the first day of validity. `annul` takes
    /// effect at the beginning of the validity whatever is stated here.
    #[n(2)]
    pub effective_ms: Option<u64>,
    /// Why.
    #[n(3)]
    pub class: ReasonClass,
    /// The member's own reference of its decision, `[A-Za-z0-9./-]{0,64}`; no personal data.
    #[n(4)]
    pub reference: String,
}

/// An entry of an authorization's record log. The host adds height, recorded time, transaction
/// and member. Also the payload of the events `aeo.certified`, `aeo.amended`, `aeo.suspended`,
/// `aeo.reinstated`, `aeo.revoked`, `aeo.withdrawn` and `aeo.annulled`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Transition {
    /// What happened.
    #[n(0)]
    pub action: Action,
    /// When it takes effect, milliseconds since 1970.
    #[n(1)]
    pub effective_ms: u64,
    /// Why; absent for `certify` and `amend`.
    #[n(2)]
    pub class: Option<ReasonClass>,
    /// The member's reference of its decision; may be empty.
    #[n(3)]
    pub reference: String,
    /// Who proposed what a second person approved; absent where one was enough.
    #[n(4)]
    pub proposed_by: Option<super::Person>,
    /// Who did it, or approved it.
    #[n(5)]
    pub by: super::Person,
    /// The authorization as recorded with it.
    #[n(6)]
    pub authorization: Authorization,
}
