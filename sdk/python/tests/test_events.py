"""Streams of events: cut anywhere, resumed after what was seen. Against a scripted node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

from precinto import Client, PrecintoError, Retries
from precinto.sse import MAX_MESSAGE_BYTES, Message, Parser

STREAM = "id: 3-1\n\n: keep-alive\n\nid: 4-0\r\nevent: closed\r\ndata: a\u2028\r\ndata: b\r\n\r\n".encode()


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_messages_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    parser, found = Parser(), []
    for start in range(0, len(STREAM), size):
        found += parser.push(STREAM[start : start + size])
    assert found == [Message(id="3-1"), Message(id="4-0", kind="closed", data=["a\u2028", "b"])]


@pytest.mark.parametrize("piece", [b"x" * 4096, b"data: " + b"x" * 4096 + b"\n"])
def test_an_endless_message_is_refused(piece: bytes) -> None:
    parser = Parser()
    with pytest.raises(PrecintoError, match="exceeds"):
        for _ in range(MAX_MESSAGE_BYTES // len(piece) + 2):
            parser.push(piece)


def message(height: int, index: int = 0) -> bytes:
    data = {
        "height": height,
        "index": index,
        "time_ms": 1_700_000_000_000 + height,
        "transaction": "ab" * 32,
        "member": "uy-dna",
        "contract": "governance",
        "topic": "governance.identity",
        "payload": "8101",
    }
    return f"id: {height}-{index}\ndata: {json.dumps(data)}\n\n".encode()


class Whole(httpx.SyncByteStream):
    """Some bytes, then the end."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


class Cut(Whole):
    """Some bytes, then the connection breaks."""

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        message = "reset"
        raise httpx.ReadError(message)


def follow(*answers: httpx.Response | Exception, **question: Any) -> tuple[Iterator[Any], list[Any]]:
    script, asked = list(answers), []

    def node(request: httpx.Request) -> httpx.Response:
        asked.append((request.headers.get("last-event-id"), request.url.params.get("from")))
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    retries = Retries(attempts=3, first_pause=0.001, longest_pause=0.002)
    client = Client("http://node", "t", retries=retries, http=httpx.MockTransport(node))
    return client.events(**question), asked


def test_a_broken_stream_goes_on_behind_the_last_event() -> None:
    first = httpx.Response(200, stream=Cut(message(1), message(2)[:40]))
    away = httpx.ConnectError("refused")
    second = httpx.Response(200, stream=Cut(b"id: 1-0\n\n" + message(2) + message(2, 1)))
    events, asked = follow(first, away, second, since=0)
    seen = list(islice(events, 3))
    assert [event.cursor for event in seen] == ["1-0", "2-0", "2-1"]
    assert seen[0].value == [1]
    assert asked == [(None, "0"), ("1-0", "0"), ("1-0", "0")]


def test_an_opening_without_events_is_resumed_where_it_opened() -> None:
    events, asked = follow(
        httpx.Response(200, stream=Cut(b"id: 7-4294967295\n\n")),
        httpx.Response(200, stream=Whole(message(8))),
    )
    assert next(events).height == 8
    assert asked[1] == ("7-4294967295", None)


def test_a_node_that_ends_the_stream_says_where_to_go_on() -> None:
    closed = b'event: closed\ndata: {"code": "slow-client", "hint": "h", "resume": "5-2"}\n\n'
    events, asked = follow(
        httpx.Response(200, stream=Whole(message(5) + closed)),
        httpx.Response(200, stream=Whole(message(6))),
        after="4-0",
    )
    assert [event.height for event in islice(events, 2)] == [5, 6]
    assert asked == [("4-0", None), (None, "5-2")]


def test_a_refusal_ends_the_stream() -> None:
    body = {"code": "unauthorized", "detail": "d", "hint": "h", "retryable": False}
    events, asked = follow(httpx.Response(401, json=body))
    with pytest.raises(PrecintoError, match="unauthorized"):
        next(events)
    assert len(asked) == 1


def test_a_node_that_stays_away_is_given_up() -> None:
    events, asked = follow(*[httpx.ConnectError("refused")] * 3)
    with pytest.raises(PrecintoError, match="unreachable"):
        next(events)
    assert len(asked) == 3


def test_there_is_one_place_to_begin() -> None:
    with pytest.raises(ValueError, match="not both"):
        follow(after="1-0", since=0)
