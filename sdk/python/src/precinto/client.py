"""A client of one node."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from precinto import cbor, events
from precinto.aeo import Aeo
from precinto.decode import read, to_ms
from precinto.items import item_result
from precinto.signer import Call, Signer, Statement
from precinto.transport import Retries, Transport
from precinto.types import (
    Consistency,
    Contracts,
    Evaluation,
    ItemResult,
    Members,
    NodeStatus,
    Readiness,
    Transaction,
)
from precinto.waiting import LONGEST_WAIT, wait_query

EXPIRES_AFTER = timedelta(minutes=5)
"""Half of how far ahead of ledger time a channel commonly lets a transaction expire."""


class Client:
    """A client of the node at `base_url`, as the account of `token`.

    Reads, and submissions of signed transactions, are repeated with growing pauses where that can
    help; an officer's commands only if they surely had no effect. Safe to use from several threads.
    Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        retries: Retries | None = None,
        http: httpx.BaseTransport | None = None,
    ) -> None:
        self._transport = Transport(base_url, token, retries=retries, http=http)
        self.aeo = Aeo(self._transport)
        """Authorized Economic Operators."""

    @classmethod
    def from_token_file(cls, base_url: str, token_file: str | Path) -> Client:
        """A client with the token in a file (`nodes/<id>/tokens/<account>` of a network's directory)."""
        return cls(base_url, Path(token_file).read_text(encoding="ascii").strip())

    def close(self) -> None:
        """Closes its connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- The node and its channel -----------------------------------------------------------------

    def status(self) -> NodeStatus:
        """The node now."""
        return read(NodeStatus, self._transport.get("v1", "status"))

    def readiness(self) -> Readiness:
        """Whether the node can serve; a `PrecintoError` if it does not answer at all."""
        return read(Readiness, self._transport.get_whatever("readyz"))

    def members(self) -> Members:
        """The channel's members."""
        return read(Members, self._transport.get("v1", "members"))

    def contracts(self) -> Contracts:
        """The active contracts."""
        return read(Contracts, self._transport.get("v1", "contracts"))

    # --- Queries and transactions -------------------------------------------------------------------

    def evaluate(
        self,
        contract: str,
        query: str,
        args: object,
        *,
        consistency: Consistency = Consistency.LOCAL,
    ) -> Evaluation:
        """Runs a query of any contract; `args` is what its arguments encode."""
        form = {
            "contract": contract,
            "method": query,
            "args": cbor.encode(args).hex(),
            "consistency": consistency,
        }
        answer = self._transport.post("v1", "query", form=form, repeatable=True)
        return read(Evaluation, answer)

    def sign(self, signer: Signer, contract: str, method: str, args: Any) -> Statement:
        """A statement of a call, by a key of one's own; `args` is what its arguments encode.

        It expects the contract's active version, and expires five minutes after ledger time.
        """
        contracts = self.contracts()
        call = Call(
            contract=contract,
            contract_version=contracts.version_of(contract),
            method=method,
            args=cbor.encode(args),
            expires_ms=to_ms(contracts.time + contracts.age + EXPIRES_AFTER),
        )
        return signer.sign(call)

    def submit(self, statement: Statement, *, wait: float | None = None) -> Transaction:
        """Submits a signed statement; with `wait` seconds, answers once its status is final.

        A rejection by the contract is a status here, no error. Sending a statement again is safe.
        """
        answer = self._transport.request(
            "POST",
            ("v1", "transactions"),
            query=wait_query(wait),
            body=("application/cose", statement.encoded),
            repeatable=True,
        )
        return read(Transaction, answer)

    def submit_many(
        self, statements: Sequence[Statement], *, wait: float | None = None
    ) -> list[ItemResult]:
        """Submits up to 1000 statements in one request: one result each, in order."""
        items = [statement.transaction() for statement in statements]
        answer = self._transport.request(
            "POST",
            ("v1", "transactions"),
            query=wait_query(wait),
            body=("application/cbor", cbor.encode(items)),
            repeatable=True,
        )
        return [item_result(item) for item in answer["results"]]

    def transaction(self, id: str) -> Transaction:
        """What the node knows of a transaction; one it has never seen has the status `unknown`."""
        return read(Transaction, self._transport.get("v1", "transactions", id))

    def wait(self, id: str, timeout: float = LONGEST_WAIT) -> Transaction:
        """The same, once its status is final or `timeout` seconds have passed."""
        until = time.monotonic() + timeout
        while True:
            left = min(max(until - time.monotonic(), 0.0), LONGEST_WAIT)
            answer = self._transport.get("v1", "transactions", id, query=wait_query(left))
            transaction = read(Transaction, answer)
            if transaction.status.is_final or time.monotonic() >= until:
                return transaction

    # --- Events --------------------------------------------------------------------------------------

    def events(
        self,
        *,
        after: str | None = None,
        since: int | None = None,
        contract: str | None = None,
        topic: str | None = None,
    ) -> Iterator[events.Event]:
        """Follows the ledger's events in order, for ever.

        Begins behind the event whose cursor is `after`, or with the block of height `since` (0 for
        everything), otherwise with the next block. Reconnects and resumes by itself; raises
        `PrecintoError` if the node refuses or stays away. Who keeps the cursor of the last event
        handled, in one transaction with what it did about it, handles every event exactly once.
        """
        if after is not None and since is not None:
            message = "give `after` or `since`, not both"
            raise ValueError(message)
        return events.follow(self._transport, after=after, since=since, contract=contract, topic=topic)
