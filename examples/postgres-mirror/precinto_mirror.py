"""Mirrors all members' AEO authorizations from a Precinto node into PostgreSQL, as they change.

Mental model: the ledger's list, as of one height, is loaded page by page with each authorization's
history; from the next height on, events are applied one by one. Every page and every event is one
database transaction that also moves the place to go on from, so whatever is killed or restarted,
nothing is lost and nothing applied twice. What cannot be derived is an error that ends the program;
what passes (a node or a database that is away) is waited for.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import LiteralString

import psycopg

from precinto import (
    Authorization,
    Client,
    Event,
    HistoryEntry,
    Page,
    PrecintoError,
    Retry,
    Transition,
)

SCHEMA = Path(__file__).with_name("schema.sql")
LOCK = 0x61656F  # "aeo"
"""Advisory lock of the database: two mirrors would apply events twice as often, for nothing."""
PAUSE = 1.0
"""Seconds before the node or the database is tried again, after the client has given up."""
READERS = 4
"""Histories asked for at once while loading."""

Connection = psycopg.Connection[tuple[object, ...]]
Row = dict[str, object]

log = logging.getLogger("precinto-mirror")


class MirrorError(Exception):
    """What no waiting mends."""


@dataclass(frozen=True, slots=True)
class State:
    """Where the mirror is."""

    channel: str
    load_height: int
    load_known: datetime
    load_cursor: str | None
    event_cursor: str | None


class Mirror:
    """From one node's client into one database."""

    def __init__(self, client: Client, database: str) -> None:
        self.client = client
        self.database = database

    def run(self) -> None:
        """Mirrors for ever; waits for node and database when they are away."""
        while True:
            try:
                with psycopg.connect(self.database) as connection:
                    self.session(connection)
            except psycopg.OperationalError as error:
                log.warning("the database is away: %s", str(error).strip())
            except PrecintoError as error:
                if error.retry is Retry.NEVER:
                    raise
                log.warning("the node is away: %s", error)
            time.sleep(PAUSE)

    def session(self, connection: Connection) -> None:
        """Loads what is missing, then follows, until something breaks."""
        with connection.transaction():
            connection.execute(SCHEMA.read_bytes())
        locked = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        connection.commit()
        if locked != (True,):
            message = "another mirror writes into this database"
            raise MirrorError(message)
        state = read_state(connection)
        channel = self.client.status().channel
        if state is not None and state.channel != channel:
            message = f"the database mirrors channel {state.channel}, the node is of {channel}"
            raise MirrorError(message)
        if state is None or state.load_cursor is not None:
            self.load(connection, state, channel)
        self.follow(connection)

    def load(self, connection: Connection, state: State | None, channel: str) -> None:
        """The list as of one height, from where an earlier load stopped."""
        if state is None:
            pages = self.client.aeo.pages()
        else:
            log.info("the initial load goes on")
            pages = self.client.aeo.pages(cursor=state.load_cursor or "")
        loaded, begun = 0, time.monotonic()
        with ThreadPoolExecutor(READERS) as readers:
            for page in pages:
                first = state is None
                state = state or State(channel, page.height, page.known, page.next, None)
                known = state.load_known

                def history(it: Authorization, known: datetime = known) -> list[HistoryEntry]:
                    return list(self.client.aeo.history_of_number(it.member, it.number, known=known))

                histories = list(readers.map(history, page.authorizations))
                with connection.transaction():
                    if first:
                        insert_state(connection, state)
                    write_page(connection, page, histories)
                loaded += len(page.authorizations)
        log.info("loaded %d authorizations in %.1f s", loaded, time.monotonic() - begun)

    def follow(self, connection: Connection) -> None:
        """Applies events as they come."""
        state = read_state(connection)
        assert state is not None, "a load leaves a state"  # noqa: S101
        if state.event_cursor is None:
            events = self.client.events(since=state.load_height + 1, contract="aeo")
        else:
            events = self.client.events(after=state.event_cursor, contract="aeo")
        log.info("following from %s", state.event_cursor or f"height {state.load_height + 1}")
        for event in events:
            with connection.transaction():
                apply(connection, event)


def read_state(connection: Connection) -> State | None:
    """Where the mirror is; `None` for an empty database."""
    columns = "channel, load_height, load_known, load_cursor, event_cursor"
    with connection.transaction():
        row = connection.execute(f"SELECT {columns} FROM mirror_state").fetchone()  # noqa: S608
    return None if row is None else State(*row)  # type: ignore[arg-type]


def insert_state(connection: Connection, state: State) -> None:
    """The beginning."""
    connection.execute(
        "INSERT INTO mirror_state (channel, load_height, load_known) VALUES (%s, %s, %s)",
        [state.channel, state.load_height, state.load_known],
    )


def write_page(connection: Connection, page: Page, histories: list[list[HistoryEntry]]) -> None:
    """A page's authorizations with their histories, and where the next page is."""
    transitions = [
        transition_row(entry, entry.transaction, entry.recorded, entry.recorded_height)
        for history in histories
        for entry in history
    ]
    authorizations = [
        authorization_row(history[-1].authorization, history[-1].recorded, history[-1].recorded_height)
        for history in histories
    ]
    with connection.cursor() as cursor:
        cursor.executemany(UPSERT_AUTHORIZATION, authorizations)
        cursor.executemany(INSERT_TRANSITION, transitions)
    connection.execute("UPDATE mirror_state SET load_cursor = %s", [page.next])


def apply(connection: Connection, event: Event) -> None:
    """What an event tells, and that it was applied."""
    if event.transition is not None:
        authorization = event.transition.authorization
        connection.execute(UPSERT_AUTHORIZATION, authorization_row(authorization, event.time, event.height))
        row = transition_row(event.transition, event.transaction, event.time, event.height)
        connection.execute(INSERT_TRANSITION, row)
    connection.execute("UPDATE mirror_state SET event_cursor = %s", [event.cursor])


UPSERT_AUTHORIZATION: LiteralString = """
    INSERT INTO aeo_authorization (
        member, number, operator, identifier_scheme, identifier, types, roles, consent,
        valid_from, valid_until, status, recorded_at, height)
    VALUES (
        %(member)s, %(number)s, %(operator)s, %(scheme)s, %(identifier)s, %(types)s, %(roles)s,
        %(consent)s, %(valid_from)s, %(valid_until)s, %(status)s, %(recorded_at)s, %(height)s)
    ON CONFLICT (member, number) DO UPDATE SET
        identifier_scheme = excluded.identifier_scheme, identifier = excluded.identifier,
        types = excluded.types, roles = excluded.roles, consent = excluded.consent,
        valid_until = excluded.valid_until, status = excluded.status,
        recorded_at = excluded.recorded_at, height = excluded.height
    WHERE excluded.height >= aeo_authorization.height
"""

INSERT_TRANSITION: LiteralString = """
    INSERT INTO aeo_transition (
        transaction, member, number, action, effective_at, reason, reference, recorded_at, height,
        status, types, roles, consent, valid_until)
    VALUES (
        %(transaction)s, %(member)s, %(number)s, %(action)s, %(effective_at)s, %(reason)s,
        %(reference)s, %(recorded_at)s, %(height)s, %(status)s, %(types)s, %(roles)s,
        %(consent)s, %(valid_until)s)
    ON CONFLICT (transaction) DO NOTHING
"""


def authorization_row(it: Authorization, recorded: datetime, height: int) -> Row:
    """An authorization as last recorded."""
    return {
        "member": it.member,
        "number": it.number,
        "operator": it.operator,
        "scheme": it.identifier and it.identifier.scheme,
        "identifier": it.identifier and it.identifier.value,
        "types": [kind.value for kind in it.types],
        "roles": [role.value for role in it.roles],
        "consent": it.consent,
        "valid_from": it.valid_from,
        "valid_until": it.valid_until,
        "status": it.status.value,
        "recorded_at": recorded,
        "height": height,
    }


def transition_row(it: Transition, transaction: str, recorded: datetime, height: int) -> Row:
    """A transition, with the authorization as recorded with it."""
    return {
        **authorization_row(it.authorization, recorded, height),
        "transaction": transaction,
        "action": it.action.value,
        "effective_at": it.effective,
        "reason": it.reason and it.reason.value,
        "reference": it.reference,
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--node", required=True, help="address of a node: http://127.0.0.1:8701")
    parser.add_argument(
        "--token-file", required=True, help="file with an account's token; no role is needed"
    )
    parser.add_argument(
        "--database", required=True, help="connection string: postgresql:///risk?host=/run/postgresql"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # The client's connections are of no interest to who operates the mirror.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        with Client.from_token_file(arguments.node, arguments.token_file) as client:
            Mirror(client, arguments.database).run()
    except (MirrorError, PrecintoError, OSError) as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
