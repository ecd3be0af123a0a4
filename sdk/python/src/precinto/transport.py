"""HTTP to one node: authentication, errors, and trying again where that is safe."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from precinto.decode import unexpected
from precinto.errors import PrecintoError, Retry

Query = Mapping[str, str | int | None]

CONNECT_SECONDS = 5.0
"""A node is near or away."""
READ_SECONDS = 50.0
"""Longer than a node's own deadline (35 s) and three keep-alives of an event stream (15 s each)."""

_REFUSED_UNREAD = frozenset({"overloaded", "queue-full", "no-leader", "budget-exceeded"})
"""Codes with which a node refuses before anything is submitted: a command may be sent again."""
_OUTCOME_OPEN = frozenset({"request-timeout", "outcome-unknown"})
"""Codes after which a command may have taken effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often, and how patiently, a request that may be repeated is repeated."""

    attempts: int = 6
    """In all; with the pauses between them, several elections long."""
    first_pause: float = 0.1
    """Seconds; doubled each time. A random part of it is waited, so that clients do not march in step."""
    longest_pause: float = 5.0
    """Seconds."""

    def pause(self, failures: int, error: PrecintoError) -> float:
        """Seconds to wait after so many failures (from 1)."""
        bound = min(self.longest_pause, self.first_pause * 2 ** (failures - 1))
        # Jitter against marching in step, no secret.
        return (error.retry_after or 0.0) + random.uniform(bound / 2, bound)  # noqa: S311


class Transport:
    """A connection pool to one node, as one account. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        retries: Retries | None = None,
        http: httpx.BaseTransport | None = None,
    ) -> None:
        if not token.isascii() or not token.isprintable() or " " in token:
            message = "the token has characters that no token has"
            raise ValueError(message)
        self.retries = retries or Retries()
        self._http = httpx.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            transport=http,
            # What HTTP_PROXY says must not send an administration's token elsewhere.
            trust_env=False,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def get(self, *path: str, query: Query | None = None) -> Any:
        """A read, repeated where that can help."""
        return self.request("GET", path, query=query, repeatable=True)

    def get_whatever(self, *path: str) -> Any:
        """The JSON of an answer whose HTTP status is part of what it says. Not repeated."""
        with _transport_errors():
            response = self._http.get(_url(path))
        return _json(response)

    def post(
        self,
        *path: str,
        form: object,
        query: Query | None = None,
        repeatable: bool = False,
    ) -> Any:
        """A command, or what can be `repeatable`."""
        return self.request("POST", path, query=query, form=form, repeatable=repeatable)

    def request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: Query | None = None,
        form: object = None,
        body: tuple[str, bytes] | None = None,
        repeatable: bool,
    ) -> Any:
        """Sends a request with a JSON `form` or a `body` of a content type; its JSON answer.

        A request that is not `repeatable` is sent again only if it surely had no effect.

        Raises:
            PrecintoError: the last failure.

        """
        failures = 0
        while True:
            try:
                return self._once(method, path, query, form, body)
            except PrecintoError as error:
                failures += 1
                helps = error.retry is not Retry.NEVER and failures < self.retries.attempts
                safe = repeatable or error.code == "unreachable" or error.code in _REFUSED_UNREAD
                if not (helps and safe):
                    raise
                time.sleep(self.retries.pause(failures, error))

    def _once(
        self,
        method: str,
        path: tuple[str, ...],
        query: Query | None,
        form: object,
        body: tuple[str, bytes] | None,
    ) -> Any:
        with _transport_errors():
            response = self._http.request(
                method,
                _url(path),
                params=_present(query),
                json=form,
                content=body and body[1],
                headers=body and {"content-type": body[0]},
            )
        if not response.is_success:
            raise _refusal(response)
        return _json(response)

    @contextmanager
    def stream(
        self, *path: str, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """An answer's bytes as they come."""
        # Compressed by a proxy, they would come late and unreadable.
        asked = {"accept": "text/event-stream", "accept-encoding": "identity", **(headers or {})}
        with (
            _transport_errors(),
            self._http.stream("GET", _url(path), params=_present(query), headers=asked) as response,
        ):
            if not response.is_success:
                response.read()
                raise _refusal(response)
            yield response.iter_raw()


def _url(path: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in path)


def _present(query: Query | None) -> dict[str, str | int]:
    return {name: value for name, value in (query or {}).items() if value is not None}


@contextmanager
def _transport_errors() -> Iterator[None]:
    hint = "Check the node's address and that it runs; then try again."
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        detail = f"the node cannot be reached: {error}"
        raise PrecintoError("unreachable", detail, hint, retry=Retry.LATER) from error
    except httpx.TransportError as error:
        detail = f"the connection to the node broke: {error!r}"
        raise PrecintoError(
            "connection-broken", detail, hint, retry=Retry.LATER, maybe_done=True
        ) from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        reason = f"no JSON with HTTP status {response.status_code}: {error}"
        raise unexpected(reason, response.status_code) from error


def _refusal(response: httpx.Response) -> PrecintoError:
    """The error of an answer that is no success."""
    status = response.status_code
    try:
        problem = response.json()
        return problem_error(problem, status=status, retry_after=_retry_after(response))
    except (ValueError, PrecintoError):
        error = unexpected(f"HTTP status {status} without a problem document", status)
        # A proxy between here and the node answers so while the node is away.
        if status in (502, 503, 504):
            error.retry, error.maybe_done = Retry.LATER, True
        return error


def problem_error(
    problem: Any,
    *,
    status: int | None = None,
    retry_after: float | None = None,
) -> PrecintoError:
    """The error of a problem document (RFC 9457)."""
    try:
        code, detail, hint = problem["code"], problem["detail"], problem["hint"]
    except (KeyError, TypeError) as error:
        raise unexpected(f"no problem document: {error!r}", status) from error
    retry = Retry.NEVER
    if problem.get("retryable"):
        retry = Retry.AFTER if retry_after is not None else Retry.LATER
    return PrecintoError(
        code,
        detail,
        hint,
        retry=retry,
        retry_after=retry_after if retry is Retry.AFTER else None,
        status=status or problem.get("status"),
        transaction=problem.get("transaction"),
        maybe_done=code in _OUTCOME_OPEN,
    )


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of the header Retry-After; a date, which no node sends, counts as absent."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
