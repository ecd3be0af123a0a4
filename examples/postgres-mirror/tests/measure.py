"""Measures a list of 10,000 authorizations: into a frame, into the mirror; and how fast news arrive.

scripts/python.sh --measure
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
from processes import Mirror, Postgres

from network import Network
from precinto import Certification, Change, Client, Transaction

AUTHORIZATIONS = 10_000
SUSPENSIONS = 100


def certification(number: int) -> Certification:
    """One of the list."""
    return Certification(
        scheme="aeo",
        identifier=f"MEASURE{number}",
        number=f"ME-{number}",
        types=["AEOC", "AEOS"],
        roles=["importer", "exporter"],
        valid_from=date(2020, 1, 1),
        consent=True,
        publish=True,
    )


def measure(what: str, run: Callable[[], object], count: int) -> None:
    """Says how long it took, and how many per second that is."""
    begun = time.monotonic()
    run()
    seconds = time.monotonic() - begun
    print(f"{what}: {seconds:.1f} s, {count / seconds:.0f}/s", flush=True)


def fill(client: Client) -> None:
    """Grants all of them."""
    rows = (certification(number) for number in range(AUTHORIZATIONS))
    results = list(client.aeo.import_rows(rows, wait=30))
    assert all(isinstance(it, Transaction) and it.status == "committed" for it in results)


def news(client: Client, database: str) -> None:
    """Suspends at one node and looks for the row that another node's mirror writes."""
    arrived = []
    with psycopg.connect(database, autocommit=True) as connection:
        for number in range(SUSPENSIONS):
            name = f"ME-{number}"
            change = Change(scheme="aeo", identifier=f"MEASURE{number}", number=name, reason="examination")
            begun = time.monotonic()
            client.aeo.suspend(change, wait=None)
            query = "SELECT status FROM aeo_authorization WHERE number = %s"
            while connection.execute(query, [name]).fetchone() != ("suspended",):
                time.sleep(0.0005)
            arrived.append((time.monotonic() - begun) * 1000)
    cuts = statistics.quantiles(arrived, n=100)
    print(f"suspension sent to row in PostgreSQL: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


def main() -> None:
    """All of it, on a network and a database of its own."""
    with tempfile.TemporaryDirectory() as directory:
        network, postgres = Network(Path(directory)), Postgres()
        mirror = None
        try:
            network.start()
            with network.client(1) as uruguay, network.client(2) as brazil:
                measure("granted", lambda: fill(uruguay), AUTHORIZATIONS)
                measure("listed into a frame", brazil.aeo.frame, AUTHORIZATIONS)

                def load() -> None:
                    nonlocal mirror
                    mirror = Mirror(network, 2, postgres.url)
                    while not postgres.rows("SELECT 1 FROM mirror_state WHERE load_cursor IS NULL"):
                        time.sleep(0.05)

                measure("loaded into PostgreSQL", load, AUTHORIZATIONS)
                news(uruguay, postgres.url)
        finally:
            if mirror is not None:
                mirror.kill()
            postgres.close()
            network.close()


if __name__ == "__main__":
    main()
