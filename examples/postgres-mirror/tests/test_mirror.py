"""The mirror against a real network and a real PostgreSQL: whatever is killed, it ends as the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from processes import Mirror, Postgres

from network import Network, eventually
from precinto import Amendment, Certification, Change, Client, Decision

LOADED = 500


@pytest.fixture(scope="module")
def ledger(network: Network) -> Network:
    """The network with a list in it."""
    with network.client(1) as uruguay:
        list(uruguay.aeo.import_rows([form(f"MIRROR{it}", f"MI-{it}") for it in range(LOADED)], wait=30))
    return network


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    postgres = Postgres()
    yield postgres
    postgres.close()


def form(identifier: str, number: str, **changes: Any) -> Certification:
    values: dict[str, Any] = {
        "scheme": "aeo",
        "identifier": identifier,
        "number": number,
        "types": ["AEOS"],
        "roles": ["importer"],
        "valid_from": date(2020, 1, 1),
        "valid_until": date(2090, 1, 1),
        "consent": True,
        "publish": True,
    }
    return Certification(**{**values, **changes})


def change(number: int, reason: str = "examination", **changes: Any) -> Change:
    return Change(
        scheme="aeo", identifier=f"MIRROR{number}", number=f"MI-{number}", reason=reason, **changes
    )


COLUMNS = (
    "member, number, operator, identifier, types, roles, consent, valid_from, valid_until, standing, since"
)


def ledgers_list(client: Client) -> list[tuple[Any, ...]]:
    listed = [
        (
            it.member,
            it.number,
            it.operator,
            it.identifier and it.identifier.value,
            [kind.value for kind in it.types],
            [role.value for role in it.roles],
            it.consent,
            it.valid_from,
            it.valid_until,
            it.standing.value,
            it.since,
        )
        for it in client.aeo.list()
    ]
    return sorted(listed, key=lambda row: row[:2])


def equals_the_ledger(postgres: Postgres, client: Client) -> None:
    """Waits until it does; the ledger must be at rest."""
    expected = ledgers_list(client)
    order = 'ORDER BY member COLLATE "C", number COLLATE "C"'
    until = time.monotonic() + 60
    while (mirrored := postgres.rows(f"SELECT {COLUMNS} FROM aeo_standing {order}")) != expected:  # noqa: S608
        if time.monotonic() > until:
            missing = [row for row in expected if row not in mirrored]
            strange = [row for row in mirrored if row not in expected]
            pytest.fail(f"not mirrored: {missing[:5]}, instead: {strange[:5]}")
        time.sleep(0.1)


def standing(postgres: Postgres, number: int) -> list[tuple[Any, ...]]:
    return postgres.rows("SELECT standing FROM aeo_standing WHERE number = %s", f"MI-{number}")


def test_news_change_the_row_and_force(ledger: Network, postgres: Postgres) -> None:
    mirror = Mirror(ledger, 2, postgres.url)
    try:
        with ledger.client(1) as uruguay, ledger.client(2) as brazil:
            equals_the_ledger(postgres, brazil)
            suspended = uruguay.aeo.suspend(change(1, reference="RES-7"))
            eventually("the row changes", lambda: standing(postgres, 1) == [("suspended",)] or None)
            assert not postgres.rows("SELECT 1 FROM aeo_in_force WHERE number = 'MI-1'")
            history = postgres.rows(
                "SELECT action, reason, reference, transaction FROM aeo_transition"
                " WHERE number = 'MI-1' ORDER BY sequence"
            )
            assert [it[0] for it in history] == ["certify", "suspend"]
            assert history[1][1:] == ("examination", "RES-7", suspended.id)
            uruguay.aeo.reinstate(change(1, "criteria"))
            eventually("it is back in force", lambda: standing(postgres, 1) == [("valid",)] or None)
            # What takes effect tomorrow changes nothing today.
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            uruguay.aeo.suspend(change(2, effective=tomorrow))
            last = uruguay.aeo.withdraw(change(3, "holder-request"))
            eventually("the last is there", lambda: standing(postgres, 3) == [("withdrawn",)] or None)
            assert standing(postgres, 2) == [("valid",)]
            eventually("the node is as far", lambda: brazil.status().height >= (last.height or 0) or None)
            equals_the_ledger(postgres, brazil)
    finally:
        mirror.kill()


def pages_loaded(postgres: Postgres, pages: int) -> list[tuple[Any, ...]]:
    """Whether the load is complete, once it has loaded so many pages."""
    query = (
        "SELECT load_cursor IS NULL FROM mirror_state"
        " WHERE (SELECT count(*) FROM aeo_authorization) >= 100 * %s"
    )
    return postgres.rows(query, pages)


def test_a_load_that_is_killed_goes_on(ledger: Network, postgres: Postgres) -> None:
    with ledger.client(1) as uruguay, ledger.client(1, "supervisor") as chief:
        # Something of every kind that a list alone would not tell.
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        uruguay.aeo.suspend(change(10, effective=tomorrow))
        terms = {"scheme": "aeo", "identifier": "MIRROR11", "number": "MI-11", "types": ["AEOC"]}
        ended = Amendment(**terms, roles=["carrier"], valid_until=date(2026, 1, 1), consent=False)  # type: ignore[arg-type]
        uruguay.aeo.amend(ended)
        proposal = uruguay.aeo.annul(change(12, "false-information")).id
        chief.aeo.approve(Decision(number="MI-12", proposal=proposal))
        next_year = (tomorrow + timedelta(days=300)).date()
        uruguay.aeo.certify(form("MIRRORNEXT", "MI-NEXT", valid_from=next_year))
        uruguay.aeo.certify(form("MIRRORPRIVATE", "MI-PRIVATE", publish=False, valid_until=None))

        kills = 0
        for begun in (1, 2, 3):
            mirror = Mirror(ledger, 1, postgres.url)
            state = eventually("pages are loaded", partial(pages_loaded, postgres, begun))
            mirror.kill()
            kills += state == [(False,)]
            # The ledger goes on in between.
            uruguay.aeo.suspend(change(20 + begun))
        assert kills, "the load was never killed in the middle"
        mirror = Mirror(ledger, 1, postgres.url)
        try:
            equals_the_ledger(postgres, uruguay)
        finally:
            mirror.kill()
        scheduled = "SELECT action FROM aeo_transition WHERE number = 'MI-10' AND effective_at > now()"
        assert postgres.rows(scheduled) == [("suspend",)]
        assert standing(postgres, 11) == [("expired",)]
        assert standing(postgres, 12) == [("annulled",)]


def test_node_and_database_may_restart(ledger: Network, postgres: Postgres) -> None:
    mirror = Mirror(ledger, 4, postgres.url)
    try:
        with ledger.client(1) as uruguay, ledger.client(4) as chile:
            equals_the_ledger(postgres, chile)
            ledger.kill(4)
            uruguay.aeo.suspend(change(30))
            postgres.control("kill")
            uruguay.aeo.suspend(change(31))
            postgres.control("start")
            ledger.start(4)
            eventually("the news arrive", lambda: standing(postgres, 31) == [("suspended",)] or None, 60)
            equals_the_ledger(postgres, chile)
            assert mirror.process.poll() is None
            before = postgres.rows("SELECT count(*) FROM aeo_transition")
            postgres.control("restart")
            uruguay.aeo.suspend(change(32))
            eventually("the news arrive", lambda: standing(postgres, 32) == [("suspended",)] or None, 60)
            assert postgres.rows("SELECT count(*) FROM aeo_transition") == [(before[0][0] + 1,)]
    finally:
        mirror.kill()


def test_what_no_waiting_mends_ends_it(ledger: Network, postgres: Postgres) -> None:
    first = Mirror(ledger, 2, postgres.url)
    try:
        eventually("it follows", lambda: "following" in first.log.read_text() or None, 60)
        second = Mirror(ledger, 2, postgres.url)
        assert second.process.wait(30) == 1
        assert "another mirror" in second.log.read_text()
    finally:
        first.kill()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("UPDATE mirror_state SET channel = 'another'")
    third = Mirror(ledger, 2, postgres.url)
    assert third.process.wait(30) == 1
    assert "mirrors channel another" in third.log.read_text()
