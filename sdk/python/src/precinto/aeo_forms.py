"""What officers ask for: forms of the commands about authorizations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypedDict

from precinto.decode import to_ms

When = datetime | date
"""A time, or a day: a change "on" a day takes effect with its first moment (UTC), a question about
a day is about its last."""


class ListQuestion(TypedDict, total=False):
    """Which authorizations are listed (those that meet every condition present), and as of when."""

    member: str
    """Granted by this member."""
    standing: str
    type: str
    role: str
    mra: str
    """Of a kind that this arrangement recognizes."""
    ends_within_days: int
    """Its last day comes within so many days."""
    ends_by: date
    """Its last day comes by this day."""
    effective: When
    known: When
    cursor: str
    """Where to go on: `Page.next`."""
    limit: int
    """Size of a page, 1 to 100."""
    consistency: str


class BatchMode(StrEnum):
    """What to do about bad rows of a batch."""

    CHECK = "check"
    """Submit nothing, only report bad rows."""
    STRICT = "strict"
    """Submit nothing unless every row is good."""
    SKIP_BAD = "skip-bad"
    """Submit the good rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """An authorization to grant."""

    scheme: str
    identifier: str
    number: str
    """1 to 24 capital letters, digits and hyphens, never used by the member before."""
    types: Sequence[str]
    roles: Sequence[str]
    valid_from: date
    valid_until: date | None = None
    consent: bool
    """Whether the holder consents to benefits abroad."""
    publish: bool = False
    """Whether the member's law publishes the identifier."""
    record: str | None = None
    """Commitment of the private record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """Other terms of an authorization: all of them, as they are to be."""

    scheme: str
    identifier: str
    number: str
    types: Sequence[str]
    roles: Sequence[str]
    valid_until: date | None = None
    consent: bool
    publish: bool = False
    record: str | None = None
    effective: When | None = None
    """Now if absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of an authorization's status."""

    scheme: str
    identifier: str
    number: str
    reason: str = field(metadata={"json": "class"})
    """A `ReasonClass`."""
    reference: str | None = None
    """The member's own reference of its decision; no personal data."""
    effective: When | None = None
    """Now if absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Approval or refusal of a pending action: of exactly the one that was seen."""

    number: str
    proposal: str
    """`PendingAction.proposal`."""


def to_form(value: Any) -> Any:
    """The JSON of a form; what is absent is left out."""
    if dataclasses.is_dataclass(value):
        named = (
            (it.metadata.get("json", it.name), getattr(value, it.name)) for it in dataclasses.fields(value)
        )
        return {name: to_form(part) for name, part in named if part is not None}
    if isinstance(value, Mapping):
        return {name: to_form(part) for name, part in value.items() if part is not None}
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_form(part) for part in value]
    return value


def to_parameter(when: When | None) -> str | None:
    """A time in a query string."""
    return None if when is None else str(to_form(when))
