"""Why a request failed, and whether trying again can help."""

from __future__ import annotations

from enum import StrEnum


class Retry(StrEnum):
    """What can be expected of the same request, sent again unchanged."""

    NEVER = "never"
    """It will be refused again."""
    LATER = "later"
    """It may succeed later: the node or the network is busy, electing or away."""
    AFTER = "after"
    """The same, and the node said after how many seconds (`PrecintoError.retry_after`)."""


class PrecintoError(Exception):
    """A request that failed: refused by the node, or without an answer of it.

    `code` is stable and kebab-case. The node's own are listed in its table of codes; this client
    adds `unreachable` (nothing was sent), `connection-broken`, `unexpected-answer` and
    `not-a-network` (a file or directory is not what it should be).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        hint: str,
        *,
        retry: Retry = Retry.NEVER,
        retry_after: float | None = None,
        status: int | None = None,
        transaction: str | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(f"{detail} [{code}] {hint}")
        self.code = code
        self.detail = detail
        """What went wrong here."""
        self.hint = hint
        """What to do about it."""
        self.retry = retry
        """Whether the same request can succeed later."""
        self.retry_after = retry_after
        """Seconds to wait first, where the node said so."""
        self.status = status
        """HTTP status, if there was an answer."""
        self.transaction = transaction
        """The transaction that was executed and refused, or expired."""
        self.maybe_done = maybe_done
        """Whether the request may have taken effect all the same: look before repeating a command."""
