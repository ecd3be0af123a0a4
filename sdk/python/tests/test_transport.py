"""What is repeated, what is not, and what becomes of answers that are none. Against a scripted node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from precinto import Certification, Client, PrecintoError, Retries, Retry, Statement
from precinto.decode import from_ms

AS_OF = {"height": 3, "time_ms": 1_700_000_000_000, "age_ms": 12}
COMMITTED = {"id": "ab" * 32, "status": "committed", "height": 4}
FORM = Certification(
    scheme="uy-rut",
    identifier="214033020011",
    number="UY-1",
    types=["AEOC"],
    roles=["importer"],
    valid_from=from_ms(0).date(),
    consent=True,
)

Script = list[httpx.Response | Exception]


def problem(status: int, code: str, *, retryable: bool, headers: dict[str, str] | None = None) -> Any:
    body = {"code": code, "detail": "d", "hint": "h", "status": status, "retryable": retryable}
    return httpx.Response(status, json=body, headers=headers)


class Node:
    """Answers as the script says, then fails."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def node() -> Iterator[Callable[[Script], tuple[Client, Node]]]:
    clients = []

    def make(script: Script) -> tuple[Client, Node]:
        node = Node(script)
        retries = Retries(attempts=3, first_pause=0.001, longest_pause=0.002)
        client = Client("http://node", "t0ken", retries=retries, http=httpx.MockTransport(node))
        clients.append(client)
        return client, node

    yield make
    for client in clients:
        client.close()


Make = Callable[[Script], tuple[Client, Node]]
BUSY = problem(503, "overloaded", retryable=True)


def test_reads_are_repeated_until_they_succeed(node: Make) -> None:
    broken = httpx.ReadError("reset")
    client, seen = node([broken, BUSY, httpx.Response(200, json={"members": [], **AS_OF})])
    assert client.members().height == 3
    assert len(seen.requests) == 3
    assert seen.requests[0].headers["authorization"] == "Bearer t0ken"


def test_repeating_ends_after_the_last_attempt(node: Make) -> None:
    client, seen = node([BUSY] * 9)
    with pytest.raises(PrecintoError) as caught:
        client.members()
    assert (caught.value.code, caught.value.retry) == ("overloaded", Retry.LATER)
    assert len(seen.requests) == 3


def test_what_cannot_succeed_is_not_repeated(node: Make) -> None:
    client, seen = node([problem(403, "role-required", retryable=False)])
    with pytest.raises(PrecintoError) as caught:
        client.members()
    assert (caught.value.retry, caught.value.status) == (Retry.NEVER, 403)
    assert str(caught.value) == "d [role-required] h"
    assert len(seen.requests) == 1


def test_a_node_says_how_long_to_wait(node: Make) -> None:
    again = problem(503, "no-leader", retryable=True, headers={"retry-after": "0"})
    client, _ = node([again] * 3)
    with pytest.raises(PrecintoError) as caught:
        client.members()
    assert (caught.value.retry, caught.value.retry_after) == (Retry.AFTER, 0.0)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadError("reset"),
        problem(504, "outcome-unknown", retryable=True),
        problem(503, "request-timeout", retryable=True),
        httpx.Response(502, text="<html>bad gateway</html>"),
    ],
    ids=["connection", "outcome-unknown", "request-timeout", "proxy"],
)
def test_a_command_that_may_be_done_is_not_repeated(node: Make, failure: Any) -> None:
    client, seen = node([failure])
    with pytest.raises(PrecintoError) as caught:
        client.aeo.certify(FORM)
    assert caught.value.maybe_done
    assert caught.value.retry is Retry.LATER
    assert len(seen.requests) == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), BUSY], ids=["unreachable", "busy"])
def test_a_command_that_surely_had_no_effect_is_repeated(node: Make, failure: Any) -> None:
    client, seen = node([failure, httpx.Response(200, json=COMMITTED)])
    assert client.aeo.certify(FORM).height == 4
    sent = json.loads(seen.requests[1].content)
    assert sent == {
        "scheme": "uy-rut",
        "identifier": "214033020011",
        "number": "UY-1",
        "types": ["AEOC"],
        "roles": ["importer"],
        "valid_from": "1970-01-01",
        "consent": True,
        "publish": False,
    }


def test_a_signed_statement_is_sent_again_whatever_happened(node: Make) -> None:
    client, seen = node([httpx.ReadError("reset"), httpx.Response(200, json=COMMITTED)])
    assert client.submit(Statement(b"\xd2", "ab" * 32), wait=1).status.is_final
    assert {request.content for request in seen.requests} == {b"\xd2"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"members": [{"id": 7}], **AS_OF}),
        httpx.Response(200, json={"members": [], "height": True, "time_ms": 0, "age_ms": 0}),
        httpx.Response(200, json={"members": []}),
        httpx.Response(404, text="not found"),
        httpx.Response(400, json={"error": "?"}),
    ],
)
def test_an_answer_of_something_else_is_an_error_and_no_crash(node: Make, answer: httpx.Response) -> None:
    client, seen = node([answer])
    with pytest.raises(PrecintoError) as caught:
        client.members()
    assert caught.value.code == "unexpected-answer"
    assert len(seen.requests) == 1


def test_paths_carry_any_identifier(node: Make) -> None:
    client, seen = node([problem(400, "invalid-parameter", retryable=False)])
    with pytest.raises(PrecintoError):
        client.aeo.find("mx-rfc", "Ñ&/?#0")
    assert seen.requests[0].url.raw_path.startswith(b"/v1/aeo/operators/mx-rfc/%C3%91%26%2F%3F%230?")


def test_a_token_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="token"):
        Client("http://node", "a\r\nb")
