"""Authorized Economic Operators: what can be asked and, with the role for it, commanded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Unpack

from precinto.aeo_forms import (
    Amendment,
    BatchMode,
    Certification,
    Change,
    Decision,
    ListQuestion,
    When,
    to_form,
    to_parameter,
)
from precinto.aeo_types import (
    Action,
    Alias,
    Benefit,
    Found,
    HistoryEntry,
    Mra,
    MraTerms,
    Page,
    PendingAction,
    StandingAuthorization,
)
from precinto.decode import read
from precinto.items import item_result
from precinto.transport import Query, Transport
from precinto.types import Consistency, ItemResult, Transaction
from precinto.waiting import wait_query

if TYPE_CHECKING:
    import pandas as pd

MAX_PAGE = 100
"""Authorizations a node gives at once."""
MAX_BATCH = 1000
"""Rows a node takes in one request."""
WAIT = 10.0
"""Seconds a command waits to be committed."""

_AEO = ("v1", "aeo")
_AUTHORIZATIONS = (*_AEO, "authorizations")
_OPERATORS = (*_AEO, "operators")
_MRAS = (*_AEO, "mras")
_OF_EVERY_PAGE = ("limit", "consistency")

Row = Certification | Amendment | tuple[Action, Change]
"""A row of an import; a change of status with the action it is."""


class Aeo:
    """The AEO part of a node's interface (`Client.aeo`).

    Queries take `effective`, the time they are about, and `known`, so that only what was recorded
    by then counts; both are now if left out. Commands are signed by the node on behalf of the
    account; with `wait` (seconds, `None` for not at all), one that the contract refuses is a
    `PrecintoError` that names its transaction. A command that may have taken effect although it
    failed says so (`maybe_done`) and is never repeated by itself.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    # --- Questions --------------------------------------------------------------------------------

    def find(
        self,
        scheme: str,
        identifier: str,
        *,
        effective: When | None = None,
        known: When | None = None,
        consistency: Consistency = Consistency.LOCAL,
    ) -> Found:
        """What an identifier leads to, directly and by aliases. Nobody is an answer, no error."""
        query = _as_of(effective, known, consistency)
        return read(Found, self._transport.get(*_OPERATORS, scheme, identifier, query=query))

    def number(
        self,
        member: str,
        number: str,
        *,
        effective: When | None = None,
        known: When | None = None,
        consistency: Consistency = Consistency.LOCAL,
    ) -> StandingAuthorization:
        """The authorization of this number of a member; `unknown-authorization` if there is none."""
        query = _as_of(effective, known, consistency)
        answer = self._transport.get(*_AEO, "numbers", member, number, query=query)
        return read(StandingAuthorization, answer["authorization"])

    def history(
        self, scheme: str, identifier: str, member: str, number: str, *, known: When | None = None
    ) -> Iterator[HistoryEntry]:
        """Who asserted what of an authorization, and when: oldest first."""
        query = {"member": member, "number": number}
        return self._entries((*_OPERATORS, scheme, identifier, "history"), query, known)

    def history_of_number(
        self, member: str, number: str, *, known: When | None = None
    ) -> Iterator[HistoryEntry]:
        """The same of a number, for who does not know the operator's identifier."""
        return self._entries((*_AEO, "numbers", member, number, "history"), {}, known)

    def _entries(self, path: tuple[str, ...], query: Query, known: When | None) -> Iterator[HistoryEntry]:
        start, known_at = 0, to_parameter(known)
        while True:
            page = {**query, "from": start, "known": known_at}
            answer = self._transport.get(*path, query=page)
            for entry in answer["entries"]:
                yield read(HistoryEntry, entry)
            if not answer["entries"]:
                return
            start = answer["next"]

    def list(self, **question: Unpack[ListQuestion]) -> Iterator[StandingAuthorization]:
        """Authorizations that meet every condition, as of one time whatever is recorded meanwhile."""
        for page in self.pages(**question):
            yield from page.authorizations

    def pages(self, **question: Unpack[ListQuestion]) -> Iterator[Page]:
        """The same by pages. Who is interrupted goes on with the `next` of the last page handled."""
        query: dict[str, str | int | None] = {"limit": MAX_PAGE, **to_form(question)}
        while True:
            page = read(Page, self._transport.get(*_AUTHORIZATIONS, query=query))
            yield page
            if page.next is None:
                return
            # The cursor carries conditions and times.
            query = {**{name: query.get(name) for name in _OF_EVERY_PAGE}, "cursor": page.next}

    def frame(self, **question: Unpack[ListQuestion]) -> pd.DataFrame:
        """The list as a data frame, one row per authorization (needs `precinto[pandas]`)."""
        from precinto.frames import authorizations_frame  # noqa: PLC0415, pandas is optional

        return authorizations_frame(self.list(**question))

    def history_frame(self, member: str, number: str, *, known: When | None = None) -> pd.DataFrame:
        """The history of a number as a data frame, one row per transition."""
        from precinto.frames import history_frame  # noqa: PLC0415, pandas is optional

        return history_frame(self.history_of_number(member, number, known=known))

    def benefit(
        self,
        mra: str,
        partner: str,
        scheme: str,
        identifier: str,
        *,
        role: str,
        type: str,
        date: When | None = None,
        known: When | None = None,
        member: str | None = None,
        consistency: Consistency = Consistency.LOCAL,
    ) -> Benefit:
        """Whether `member` (the node's own if left out) owes a benefit to an operator of `partner`."""
        query: dict[str, str | int | None] = {
            "mra": mra,
            "partner": partner,
            "scheme": scheme,
            "identifier": identifier,
            "role": role,
            "type": type,
            "date": to_parameter(date),
            "known": to_parameter(known),
            "member": member,
            "consistency": consistency,
        }
        return read(Benefit, self._transport.get(*_AEO, "benefit", query=query))

    def aliases(self, scheme: str, identifier: str) -> Sequence[Alias]:
        """The declarations about an operator, also retired ones."""
        answer = self._transport.get(*_OPERATORS, scheme, identifier, "aliases")
        return [read(Alias, it) for it in answer["aliases"]]

    def pending(self) -> Iterator[PendingAction]:
        """What waits for a second person of the node's member."""
        query: dict[str, str | int | None] = {}
        while True:
            answer = self._transport.get(*_AEO, "pending", query=query)
            for action in answer["pending"]:
                yield read(PendingAction, action)
            if answer.get("next") is None:
                return
            query = {"cursor": answer["next"]}

    def mras(self) -> Iterator[Mra]:
        """All arrangements by id."""
        query: dict[str, str | int | None] = {}
        while True:
            answer = self._transport.get(*_MRAS, query=query)
            for mra in answer["mras"]:
                yield read(Mra, mra)
            if answer.get("next") is None:
                return
            query = {"cursor": answer["next"]}

    def mra(self, id: str) -> Mra:
        """An arrangement; `unknown-mra` if there is none."""
        return read(Mra, self._transport.get(*_MRAS, id)["mra"])

    # --- Commands ---------------------------------------------------------------------------------

    def certify(self, form: Certification, *, wait: float | None = WAIT) -> Transaction:
        """Grants an authorization."""
        return self._command(_AUTHORIZATIONS, form, wait)

    def amend(self, form: Amendment, *, wait: float | None = WAIT) -> Transaction:
        """Gives an authorization other terms."""
        return self._command((*_AUTHORIZATIONS, "amend"), form, wait)

    def suspend(self, form: Change, *, wait: float | None = WAIT) -> Transaction:
        """Suspends an authorization."""
        return self._command((*_AUTHORIZATIONS, "suspend"), form, wait)

    def reinstate(self, form: Change, *, wait: float | None = WAIT) -> Transaction:
        """Reinstates a suspended authorization."""
        return self._command((*_AUTHORIZATIONS, "reinstate"), form, wait)

    def withdraw(self, form: Change, *, wait: float | None = WAIT) -> Transaction:
        """Records that the holder gave an authorization up."""
        return self._command((*_AUTHORIZATIONS, "withdraw"), form, wait)

    def revoke(self, form: Change, *, wait: float | None = WAIT) -> Transaction:
        """Proposes to revoke an authorization: a second person of the member must approve."""
        return self._command((*_AUTHORIZATIONS, "revoke"), form, wait)

    def annul(self, form: Change, *, wait: float | None = WAIT) -> Transaction:
        """Proposes to declare an authorization void from the beginning: needs a second person."""
        return self._command((*_AUTHORIZATIONS, "annul"), form, wait)

    def approve(self, form: Decision, *, wait: float | None = WAIT) -> Transaction:
        """Approves what another person of the member proposed (role `supervisor`)."""
        return self._command((*_AUTHORIZATIONS, "approve"), form, wait)

    def decline(self, form: Decision, *, wait: float | None = WAIT) -> Transaction:
        """Declines a proposal."""
        return self._command((*_AUTHORIZATIONS, "decline"), form, wait)

    def import_rows(
        self,
        rows: Iterable[Row],
        *,
        mode: BatchMode = BatchMode.STRICT,
        wait: float | None = WAIT,
    ) -> Iterator[ItemResult | None]:
        """Grants and changes any number of authorizations: a result per row, in order.

        A row's result is its transaction, the error for which it was refused, or `None` for a good
        row that was not to be submitted. `BatchMode.STRICT` holds for each request of its own; to
        submit nothing unless all rows are good, check them all first.
        """
        remaining = iter(rows)
        while batch := [_row(row) for row in islice(remaining, MAX_BATCH)]:
            answer = self._transport.post(
                *_AUTHORIZATIONS,
                "batch",
                form={"rows": batch, "mode": mode},
                query=wait_query(wait),
                repeatable=mode is BatchMode.CHECK,
            )
            for result in answer["results"]:
                yield None if result is None else item_result(result)

    def declare_alias(
        self,
        alias: tuple[str, str],
        operator: tuple[str, str],
        mode: str,
        *,
        publish: bool = False,
        wait: float | None = WAIT,
    ) -> Transaction:
        """Declares that an identifier means an operator; both are (scheme, identifier)."""
        form = {**_pair(alias, operator), "mode": mode, "publish": publish}
        return self._command((*_AEO, "aliases"), form, wait)

    def retire_alias(
        self, alias: tuple[str, str], operator: tuple[str, str], *, wait: float | None = WAIT
    ) -> Transaction:
        """Takes a declaration back."""
        return self._command((*_AEO, "aliases", "retire"), _pair(alias, operator), wait)

    def propose_mra(self, terms: MraTerms, *, wait: float | None = WAIT) -> Transaction:
        """Proposes an arrangement, to which the own member is a party (role `supervisor`)."""
        return self._command(_MRAS, terms, wait)

    def accept_mra(self, id: str, *, wait: float | None = WAIT) -> Transaction:
        """Accepts an arrangement for the own member."""
        return self._command((*_MRAS, id, "accept"), None, wait)

    def leave_mra(
        self,
        id: str,
        *,
        effective: When | None = None,
        wait: float | None = WAIT,
    ) -> Transaction:
        """Leaves an arrangement for ever; from `effective` on, now if left out."""
        return self._command((*_MRAS, id, "leave"), to_form({"effective": effective}), wait)

    def _command(self, path: tuple[str, ...], form: object, wait: float | None) -> Transaction:
        return read(Transaction, self._transport.post(*path, form=to_form(form), query=wait_query(wait)))


def _as_of(effective: When | None, known: When | None, consistency: Consistency) -> Query:
    return {
        "effective": to_parameter(effective),
        "known": to_parameter(known),
        "consistency": consistency,
    }


def _row(row: Row) -> dict[str, Any]:
    match row:
        case Certification():
            action, form = Action.CERTIFY, to_form(row)
        case Amendment():
            action, form = Action.AMEND, to_form(row)
        case (action, change):
            form = to_form(change)
    return {"action": action, **form}


def _pair(alias: tuple[str, str], operator: tuple[str, str]) -> dict[str, object]:
    def written(it: tuple[str, str]) -> dict[str, str]:
        return {"scheme": it[0], "identifier": it[1]}

    return {"alias": written(alias), "operator": written(operator)}
