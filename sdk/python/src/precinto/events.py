"""Following the ledger's events, across broken connections and restarts of the node."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from precinto.aeo_types import Alias, Mra, PendingAction, Transition
from precinto.cbor import decode
from precinto.decode import read, unexpected
from precinto.errors import PrecintoError, Retry
from precinto.sse import Message, Parser
from precinto.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a committed transaction."""

    height: int
    """Height of the block."""
    index: int
    """Index among the events of the block."""
    time: datetime
    """Ledger time of the block."""
    transaction: str
    """The transaction that emitted it."""
    member: str
    """The author's member."""
    contract: str
    topic: str
    """What kind of event (`aeo.suspended`)."""
    payload: bytes
    """CBOR, defined by contract and topic."""
    transition: Transition | None
    """What happened to an authorization, if that is what the event tells; the same of the others."""
    pending: PendingAction | None
    """A revocation or annulment that was proposed or declined."""
    alias: Alias | None
    """A declaration that was made or retired."""
    mra: Mra | None
    """An arrangement that was proposed, accepted or left."""

    @property
    def cursor(self) -> str:
        """Its place: with `after=event.cursor` a stream goes on behind it."""
        return f"{self.height}-{self.index}"

    @property
    def value(self) -> object:
        """The payload, decoded."""
        return decode(self.payload)


def follow(
    transport: Transport,
    *,
    after: str | None,
    since: int | None,
    contract: str | None,
    topic: str | None,
) -> Iterator[Event]:
    """Events in order, until the node refuses or stays away (`PrecintoError`)."""
    follower = _Follower(after=after, since=since)
    failures = 0
    while True:
        try:
            query = {"contract": contract, "topic": topic, "from": follower.begin}
            with transport.stream("v1", "events", query=query, headers=follower.headers()) as pieces:
                parser = Parser()
                for piece in pieces:
                    failures = 0
                    for message in parser.push(piece):
                        event = follower.take(message)
                        if event is not None:
                            yield event
            raise _ENDED
        except PrecintoError as error:
            failures += 1
            if error.retry is Retry.NEVER or failures >= transport.retries.attempts:
                raise
            time.sleep(transport.retries.pause(failures, error))


_ENDED = PrecintoError(
    "connection-broken", "the node ended the event stream", "Connect again.", retry=Retry.LATER
)


class _Follower:
    """Where a stream is."""

    def __init__(self, after: str | None, since: int | None) -> None:
        self.last = after
        """Id of the last message; goes before `begin`."""
        self.begin = None if since is None else str(since)

    def headers(self) -> dict[str, str]:
        return {"last-event-id": self.last} if self.last else {}

    def take(self, message: Message) -> Event | None:
        """The event of a message; `None` where it only says where to go on."""
        data = "\n".join(message.data)
        try:
            if message.kind == "closed":
                self.begin, self.last = json.loads(data)["resume"], None
                return None
            self.last = message.id or self.last
            return read(Event, json.loads(data)) if data else None
        except (ValueError, KeyError) as error:
            raise unexpected(f"event stream: {error!r}") from error
