"""What the README shows runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from network import ROOT, Network
from precinto import Client

README = Path(__file__).resolve().parents[1] / "README.md"


def import_sample(network: Network) -> None:
    """Uruguay's sample list, as `make run` imports it."""
    sample = ROOT / "network-configs/sample/uy-aeo.csv"
    done = network.run("--at", "uy-dna", "aeo", "import", str(sample))
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_quick_start(network: Network, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    import_sample(network)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE))
    code = code.replace("127.0.0.1", network.address)
    code = code.replace('"network/', f'"{network.directory}/')
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102, it is ours
    for client in (it for it in names.values() if isinstance(it, Client)):
        client.close()
    shown = capsys.readouterr().out
    for part in ("uy-dna UY-OEC-0001 valid", "committed at height", "1 suspend examination", "never |"):
        assert part in shown
