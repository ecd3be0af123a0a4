"""One network for all tests that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from network import Network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    network = Network(tmp_path_factory.mktemp("network"))
    try:
        network.start()
        yield network
    finally:
        network.close()
