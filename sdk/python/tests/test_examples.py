"""The examples as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from network import NODES, Network, eventually
from precinto import AeoType, Certification, Change, Client, MraTerms, Role

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SOURCES = EXAMPLES.parent / "src"
BRAZIL = NODES["br-rfb"]


def start(network: Network, name: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(EXAMPLES / name), "--node", network.url(BRAZIL)]
    command += ["--token-file", str(network.token_file(BRAZIL, "auditor")), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def run(network: Network, name: str, *arguments: str) -> tuple[int, str]:
    with start(network, name, *arguments) as process:
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


def certify(client: Client, number: int) -> int:
    done = client.aeo.certify(
        Certification(
            scheme="aeo",
            identifier=f"EXAMPLE{number}",
            number=f"EX-{number}",
            types=["AEOS"],
            roles=["importer"],
            valid_from=date(2020, 1, 1),
            consent=True,
        )
    )
    assert done.height is not None
    return done.height


def suspension(number: int) -> Change:
    return Change(scheme="aeo", identifier=f"EXAMPLE{number}", number=f"EX-{number}", reason="examination")


def test_benefit_check(network: Network) -> None:
    terms = MraTerms(
        id="uy-br",
        parties=("br-rfb", "uy-dna"),
        types=(AeoType.AEOS,),
        roles=(Role.IMPORTER,),
        needs_consent=False,
        valid_from=datetime.now(UTC).date(),
    )
    question = ("uy-br", "uy-dna", "aeo", "EXAMPLE1", "importer", "AEOS")
    with network.client(1) as uruguay, network.client(1, "supervisor") as chief:
        certify(uruguay, 1)
        proposed = chief.aeo.propose_mra(terms)
        with network.client(BRAZIL, "supervisor") as brazil:
            eventually("it is known", lambda: brazil.status().height >= (proposed.height or 0))
            brazil.aeo.accept_mra("uy-br")
            status, output = run(network, "benefit_check.py", *question)
            assert (status, output.split(":")[0]) == (0, "due")
            suspended = uruguay.aeo.suspend(suspension(1))
            eventually("it is known", lambda: brazil.status().height >= (suspended.height or 0))
    status, output = run(network, "benefit_check.py", *question)
    assert status == 1
    assert output.startswith("not due:")
    assert "suspended" in output
    status, output = run(network, "benefit_check.py", "uy-br", "uy-dna", "rut", "1", "importer", "AEOS")
    assert status == 2
    assert "uy-rut" in output


def test_follow_suspensions(network: Network, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    with network.client(1) as uruguay:
        for number in (2, 3):
            certify(uruguay, number)
        seen = []
        for number in (2, 3):
            uruguay.aeo.suspend(suspension(number))
            with start(network, "follow_suspensions.py", "--cursor-file", str(cursor)) as process:
                assert process.stdout is not None
                while f"EX-{number}" not in (line := process.stdout.readline()):
                    assert line, "it ended"
                    seen.append(line)
                seen.append(line)
                eventually("it is kept", cursor.exists)
                process.kill()
        # Twice where it was killed before it kept its cursor, never left out.
        assert sum("EX-2" in line for line in seen) in (1, 2)
        assert "(examination)" in seen[-1]


def test_aeo_frame(network: Network) -> None:
    pytest.importorskip("pandas")
    with network.client(1) as uruguay:
        height = certify(uruguay, 4)
        with network.client(BRAZIL) as brazil:
            eventually("it is known", lambda: brazil.status().height >= height)
    status, output = run(network, "aeo_frame.py")
    assert status == 0, output
    assert "uy-dna" in output
    assert "0 in force end within 90 days" in output
