"""PostgreSQL and the mirror, as processes of a test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from network import Network

HERE = Path(__file__).resolve().parents[1]
SDK = HERE.parents[1] / "sdk/python/src"


class Postgres:
    """A cluster of its own."""

    def __init__(self) -> None:
        if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
            pytest.skip("there is no PostgreSQL: scripts/setup.sh postgresql installs it")
        # Below the limit of a socket's path, and open to the user that runs PostgreSQL for root.
        self.directory = Path(tempfile.mkdtemp(prefix="mirror-", dir="/tmp"))
        self.url = self.control("start")

    def control(self, verb: str) -> str:
        command = [str(HERE / "postgres.sh"), verb, str(self.directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query gives; nothing while the database is away or the mirror has not begun."""
        try:
            with psycopg.connect(self.url) as connection:
                return connection.execute(query, values).fetchall()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            return []

    def close(self) -> None:
        self.control("kill")
        shutil.rmtree(self.directory)


class Mirror:
    """The process."""

    def __init__(self, network: Network, node: int, database: str) -> None:
        self.log = network.directory.parent / f"mirror-{time.monotonic_ns()}.log"
        command = [sys.executable, str(HERE / "precinto_mirror.py"), "--node", network.url(node)]
        command += ["--token-file", str(network.token_file(node, "auditor")), "--database", database]
        environment = {**os.environ, "PYTHONPATH": str(SDK)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
