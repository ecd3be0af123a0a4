"""The development network in a directory of its own: real processes of the built `precinto`."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from precinto import Client, PrecintoError, Signer, read_secret
from precinto.decode import to_ms

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/precinto/target"))
PROGRAM = TARGET / "debug" / "precinto"
CONTRACTS = TARGET / "contracts"
READY_SECONDS = 60.0

NODES = {"uy-dna": 1, "br-rfb": 2, "pe-sunat": 3, "cl-sna": 4}
"""Nodes by member, as in network-configs/dev.toml; the last is a learner."""

T = TypeVar("T")
_COUNT = itertools.count(1)


def eventually(what: str, condition: Callable[[], T | None], seconds: float = 30.0) -> T:
    """What a condition gives, once it gives anything."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > until:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return found


class Network:
    """Three voters and a learner."""

    def __init__(self, directory: Path) -> None:
        for needed in (PROGRAM, CONTRACTS / "aeo.wasm"):
            if not needed.exists():
                pytest.skip(f"there is no {needed}: scripts/python.sh builds it, or `make build`")
        # The whole of 127.0.0.0/8 is this machine: networks of other processes never meet this one.
        high, low = divmod(os.getpid() & 0xFFFF, 256)
        self.address = f"127.{high}.{low}.{100 + next(_COUNT)}"
        config = directory / "network.toml"
        dev = (ROOT / "network-configs/dev.toml").read_text()
        config.write_text(dev.replace("127.0.0.1", self.address))
        self.directory = directory / "network"
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        init: list[str | Path] = [PROGRAM, "network", "init", "--dir", self.directory]
        init += ["--config", config, "--contracts", CONTRACTS]
        made = subprocess.run(init, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the program in this network."""
        command = [str(PROGRAM), "--dir", str(self.directory), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def start(self, *nodes: int) -> None:
        """Starts nodes, all if none is named, and waits until they are ready."""
        nodes = nodes or tuple(NODES.values())
        for node in nodes:
            place = self.directory / "nodes" / str(node)
            with (place / "node.log").open("ab") as log:
                command: list[str | Path] = [PROGRAM, "node", "run", place]
                self.processes[node] = subprocess.Popen(command, stdout=log, stderr=log)
        for node in nodes:
            self.ready(node)

    def ready(self, node: int) -> None:
        """Waits until a node is ready."""
        with self.client(node) as client:

            def is_ready() -> bool | None:
                assert self.processes[node].poll() is None, self.log(node)
                try:
                    return client.readiness().ready or None
                except PrecintoError:
                    return None

            eventually(f"node {node} is ready", is_ready, READY_SECONDS)

    def log(self, node: int) -> str:
        """The end of a node's log."""
        return (self.directory / "nodes" / str(node) / "node.log").read_text()[-4000:]

    def kill(self, *nodes: int) -> None:
        """Kills nodes (SIGKILL)."""
        for node in nodes:
            process = self.processes.pop(node)
            process.kill()
            process.wait()

    def close(self) -> None:
        """Kills every node."""
        self.kill(*self.processes)

    def url(self, node: int) -> str:
        """Where a node answers."""
        return f"http://{self.address}:{8700 + node}"

    def token_file(self, node: int, account: str = "officer") -> Path:
        """The file with an account's token."""
        return self.directory / "nodes" / str(node) / "tokens" / account

    def client(self, node: int, account: str = "officer") -> Client:
        """A client of a node, as one of its accounts."""
        return Client.from_token_file(self.url(node), self.token_file(node, account))

    def lookup_key(self) -> bytes:
        """The channel's lookup key."""
        return read_secret(self.directory / "nodes/1/keys/lookup.key")

    def enrol(self, member: str, seed: bytes, *roles: int) -> Signer:
        """A signer of a member with a new key, enrolled by the member's admin."""
        with self.client(NODES[member]) as client:
            status = client.status()
            admin_key = self.directory / "members" / member / "admin.key"
            admin = Signer.from_file(admin_key, status.channel)
            signer = Signer(seed, status.channel)
            until_ms = to_ms(status.time) + 24 * 60 * 60 * 1000
            args = [signer.public_key, sorted(roles), 0, until_ms, signer.possession(member)]
            done = client.submit(client.sign(admin, "governance", "enrol", args), wait=20)
            assert done.status == "committed", done
        return signer


@pytest.fixture(scope="module", name="network")
def running_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """One network for all tests of a module; nodes that a test kills, it starts again."""
    network = Network(tmp_path_factory.mktemp("network"))
    try:
        network.start()
        yield network
    finally:
        network.close()
