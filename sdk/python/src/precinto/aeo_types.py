"""Authorized Economic Operators: the words of the domain, and what a node answers about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from precinto.types import Answer


class Scheme(StrEnum):
    """A register of identifiers."""

    EORI = "eori"
    TIN = "tin"
    AEO = "aeo"
    DUNS = "duns"
    AR_CUIT = "ar-cuit"
    BO_NIT = "bo-nit"
    BR_CNPJ = "br-cnpj"
    CL_RUT = "cl-rut"
    CO_NIT = "co-nit"
    CR_CEDULA = "cr-cedula"
    EC_RUC = "ec-ruc"
    GT_NIT = "gt-nit"
    MX_RFC = "mx-rfc"
    PE_RUC = "pe-ruc"
    PY_RUC = "py-ruc"
    US_MID = "us-mid"
    UY_RUT = "uy-rut"


class AeoType(StrEnum):
    """What an authorization is for; an operator may hold both."""

    AEOC = "AEOC"
    """Customs simplifications."""
    AEOS = "AEOS"
    """Security and safety."""


class Role(StrEnum):
    """What the operator does in the supply chain."""

    MANUFACTURER = "manufacturer"
    IMPORTER = "importer"
    EXPORTER = "exporter"
    BROKER = "broker"
    FORWARDER = "forwarder"
    CONSOLIDATOR = "consolidator"
    CARRIER = "carrier"
    RAIL_OPERATOR = "rail-operator"
    PARCEL_OPERATOR = "parcel-operator"
    WAREHOUSE_KEEPER = "warehouse-keeper"
    PORT_OPERATOR = "port-operator"
    AIRPORT_OPERATOR = "airport-operator"
    TERMINAL_OPERATOR = "terminal-operator"
    BONDED_PREMISES = "bonded-premises"
    INDUSTRIAL_PARK = "industrial-park"


class AeoStatus(StrEnum):
    """Status of an authorization as recorded; that it expired is not recorded (see `Standing`)."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    ANNULLED = "annulled"


class Standing(StrEnum):
    """How an authorization stood at a time."""

    NOT_YET_VALID = "not-yet-valid"
    VALID = "valid"
    """In force."""
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    ANNULLED = "annulled"


class Action(StrEnum):
    """What happened to an authorization."""

    CERTIFY = "certify"
    AMEND = "amend"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"
    WITHDRAW = "withdraw"
    ANNUL = "annul"


class ReasonClass(StrEnum):
    """Why a status changed, in classes that partners can act on."""

    HOLDER_REQUEST = "holder-request"
    CRITERIA = "criteria"
    INFRINGEMENT = "infringement"
    CRIMINAL_PROCEDURE = "criminal-procedure"
    SOLVENCY = "solvency"
    SECURITY = "security"
    EXAMINATION = "examination"
    RESTRUCTURING = "restructuring"
    CORRECTION = "correction"
    FALSE_INFORMATION = "false-information"


class AliasMode(StrEnum):
    """How two administrations come to speak of one operator."""

    RECEIVER = "receiver"
    """The receiving member translates: leads that member alone."""
    SENDER = "sender"
    ADOPTED = "adopted"
    COMMON = "common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """An identifier that the member's law publishes."""

    scheme: str
    value: str
    """Normalized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """The public part of an authorization."""

    operator: str
    """The operator's lookup tag."""
    member: str
    """The member that granted it."""
    number: str
    """The member's authorization number, used once."""
    types: tuple[AeoType, ...]
    roles: tuple[Role, ...]
    valid_from: date
    valid_until: date | None
    """Last day; without one it is valid until it is ended."""
    consent: bool
    """Whether the holder consents to benefits abroad."""
    status: AeoStatus
    identifier: Identifier | None
    """Where the member's law publishes it."""
    record: str | None
    """Commitment of the private record, if there is one."""
    recorded: datetime
    """Ledger time of its last transition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAuthorization(Authorization):
    """An authorization as it stood."""

    standing: Standing
    in_force: bool
    """Whether that is `valid`."""
    since: datetime
    """Since when it stood so."""
    terms_since: datetime
    """Since when its terms were what they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf(Answer):
    """An answer about one time, as it was known at another."""

    effective: datetime
    """The time asked about."""
    known: datetime
    """Only what was recorded by then counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """A declaration that led from an identifier to an operator."""

    member: str
    mode: AliasMode


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOperator:
    """An operator and its authorizations."""

    operator: str
    """Its lookup tag."""
    via: tuple[Via, ...]
    """None where the identifier is its own."""
    authorizations: tuple[StandingAuthorization, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(AsOf):
    """What an identifier leads to, directly and by aliases."""

    scheme: str
    identifier: str
    """Normalized."""
    tag: str
    """Lookup tag of the identifier."""
    operators: tuple[FoundOperator, ...]
    """Empty: definitely nobody's, as of the height."""

    @property
    def authorizations(self) -> list[StandingAuthorization]:
        """Of all operators it leads to."""
        return [it for operator in self.operators for it in operator.authorizations]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(AsOf):
    """A page of a list."""

    authorizations: tuple[StandingAuthorization, ...]
    next: str | None
    """Cursor of the next page; absent on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who acted, as the ledger sees it."""

    key_id: str
    pseudonym: str | None
    """Of the officer for whom a node signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What happened to an authorization, as its member asserted it."""

    action: Action
    effective: datetime
    """When it takes effect."""
    reason: ReasonClass | None = field(metadata={"json": "class"})
    """Absent for `certify` and `amend`."""
    reference: str
    """The member's own reference of its decision."""
    proposed_by: Person | None
    """Who proposed what a second person approved."""
    by: Person
    """Who did it, or approved it."""
    authorization: Authorization
    """As recorded with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(Transition):
    """A transition, and when and where it was recorded."""

    index: int
    """Place in the authorization's history, from 0."""
    recorded: datetime
    """Ledger time."""
    recorded_height: int
    """Height of the block that recorded it."""
    member: str
    transaction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit(AsOf):
    """Whether a benefit is due, and why."""

    due: bool
    reason: str
    """`due`, or the named reason why not (`suspended`, `role-not-recognized`)."""
    explanation: str
    """The same in a sentence."""
    since: datetime | None
    """Since when that has been so, where that is known."""
    authorization: StandingAuthorization | None
    """The one that decided, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """A revocation or annulment that waits for a second person of its member."""

    operator: str
    member: str
    number: str
    action: Action
    effective: datetime | None
    """When it is approved, if absent."""
    reason: ReasonClass = field(metadata={"json": "class"})
    reference: str
    proposed_by: Person
    """May decline it, but not approve it."""
    proposal: str
    """The proposing transaction, by which it is approved or declined."""
    proposed: datetime
    expires: datetime
    """Last ledger time at which it can be approved."""
    expired: bool
    """Whether that has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when to when, exclusive, a declaration was in force."""

    start: datetime = field(metadata={"json": "from_ms"})
    end: datetime | None = field(metadata={"json": "until_ms"})
    mode: AliasMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A declaration that an identifier means an operator."""

    alias: str
    """Lookup tag of the alias."""
    operator: str
    member: str
    mode: AliasMode
    """As last declared."""
    identifier: Identifier | None
    periods: tuple[Period, ...]
    """In ledger time, oldest first."""
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairActivation:
    """From when an arrangement is applied between two of its parties."""

    a: str
    b: str
    start: date = field(metadata={"json": "from"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MraTerms:
    """What an arrangement's parties agree."""

    id: str
    """1 to 32 lower-case letters, digits and hyphens."""
    parties: tuple[str, ...]
    types: tuple[AeoType, ...]
    """Types that are recognized."""
    roles: tuple[Role, ...]
    """Roles that get benefits."""
    needs_consent: bool
    valid_from: date
    valid_until: date | None = None
    activations: tuple[PairActivation, ...] = ()
    """Pairs that start later than the whole."""
    text: str | None = None
    """SHA-256 of the legal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A party's acceptance."""

    member: str
    accepted: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A party that left."""

    member: str
    effective: datetime
    recorded: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mra(MraTerms):
    """A mutual recognition arrangement with all that happened to it."""

    proposed_by: str
    """Who proposed it, and by that accepted it."""
    acceptances: tuple[Acceptance, ...]
    departures: tuple[Departure, ...]
