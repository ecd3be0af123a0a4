"""Data frames for analysts (extra `precinto[pandas]`).

Times are `datetime64[ms, UTC]`, calendar dates `datetime64[s]` without a zone, words with few values
categories that list all of them, so that frames of different days fit together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from precinto.aeo_types import (
    Action,
    AeoStatus,
    AeoType,
    Authorization,
    HistoryEntry,
    ReasonClass,
    Role,
    Standing,
    StandingAuthorization,
)

_TIME = pd.DatetimeTZDtype("ms", "UTC")
_DATE = "datetime64[s]"
_TEXT = pd.StringDtype()

_AUTHORIZATION = {
    "member": "category",
    "number": _TEXT,
    "operator": _TEXT,
    "scheme": "category",
    "identifier": _TEXT,
    **{kind.value.lower(): "bool" for kind in AeoType},
    **dict.fromkeys((f"role_{it.value.replace('-', '_')}" for it in Role), "bool"),
    "valid_from": _DATE,
    "valid_until": _DATE,
    "consent": "bool",
    "status": pd.CategoricalDtype([it.value for it in AeoStatus]),
}

_STANDING = {
    **_AUTHORIZATION,
    "standing": pd.CategoricalDtype([it.value for it in Standing]),
    "in_force": "bool",
    "since": _TIME,
    "terms_since": _TIME,
    "recorded": _TIME,
}

_HISTORY = {
    "index": "int64",
    "recorded": _TIME,
    "effective": _TIME,
    "action": pd.CategoricalDtype([it.value for it in Action]),
    "reason": pd.CategoricalDtype([it.value for it in ReasonClass]),
    "reference": _TEXT,
    "recorded_height": "int64",
    "transaction": _TEXT,
    **_AUTHORIZATION,
}


def authorizations_frame(authorizations: Iterable[StandingAuthorization]) -> pd.DataFrame:
    """One row per authorization; types and roles are a column of truth values each."""
    rows = [
        (
            *_values(it),
            it.standing.value,
            it.in_force,
            it.since,
            it.terms_since,
            it.recorded,
        )
        for it in authorizations
    ]
    return _frame(rows, _STANDING)


def history_frame(entries: Iterable[HistoryEntry]) -> pd.DataFrame:
    """One row per transition, with the authorization as recorded with it."""
    rows = [
        (
            it.index,
            it.recorded,
            it.effective,
            it.action.value,
            it.reason and it.reason.value,
            it.reference,
            it.recorded_height,
            it.transaction,
            *_values(it.authorization),
        )
        for it in entries
    ]
    return _frame(rows, _HISTORY)


def _values(it: Authorization) -> tuple[object, ...]:
    """In the order of `_AUTHORIZATION`."""
    return (
        it.member,
        it.number,
        it.operator,
        it.identifier and it.identifier.scheme,
        it.identifier and it.identifier.value,
        *(kind in it.types for kind in AeoType),
        *(role in it.roles for role in Role),
        it.valid_from,
        it.valid_until,
        it.consent,
        it.status.value,
    )


def _frame(rows: list[tuple[object, ...]], columns: dict[str, Any]) -> pd.DataFrame:
    """Also of no rows, with the same types."""
    frame = pd.DataFrame(rows, columns=list(columns), dtype="object")
    return frame.astype(columns)
