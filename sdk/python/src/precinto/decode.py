"""From a node's JSON to the data classes of this package.

A field's type decides how it is read: a `datetime` named `since` reads the milliseconds in
`since_ms`, a `timedelta` likewise, `bytes` reads hex, `date` reads `YYYY-MM-DD`. Fields that this
package does not know are ignored; an enumeration's unknown name is refused, because a standing
that nobody understands must not pass for a known one.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from precinto.errors import PrecintoError

T = TypeVar("T")
Reader = Callable[[Any], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """The time that is so many milliseconds after 1970, exactly."""
    return EPOCH + milliseconds * _MILLISECOND


def to_ms(time: datetime) -> int:
    """Milliseconds since 1970; a time without a zone is refused, not guessed."""
    if time.tzinfo is None:
        message = f"{time!r} has no time zone: use datetime(..., tzinfo=UTC)"
        raise ValueError(message)
    return (time - EPOCH) // _MILLISECOND


def read(shape: type[T], data: object) -> T:
    """Reads `data` as the data class `shape`.

    Raises:
        PrecintoError: `unexpected-answer`, if it has another shape.

    """
    try:
        answer: T = _reader_of(shape)(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unexpected(f"no {shape.__name__}: {error!r}") from error
    return answer


def unexpected(reason: str, status: int | None = None) -> PrecintoError:
    """The error of an answer that no node of this version gives."""
    hint = "Check that the address is a Precinto node's, and that this package is as new as the node."
    return PrecintoError("unexpected-answer", reason, hint, status=status)


def _make_reader(shape: Any) -> Reader:
    if dataclasses.is_dataclass(shape):
        return _class_reader(shape)
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (_reader_of(it) for it in arguments if it is not type(None))
        return lambda data: None if data is None else inner(data)
    if origin is tuple:
        item = _reader_of(arguments[0])
        return lambda data: tuple(item(it) for it in data)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return shape
    return _PLAIN[shape]


_reader_of: Callable[[Any], Reader] = cache(_make_reader)


def _checked(kind: type) -> Reader:
    def check(data: object) -> object:
        # `True` is an `int` to Python, but no number to JSON.
        if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
            message = f"{data!r} is not of type {kind.__name__}"
            raise TypeError(message)
        return data

    return check


_PLAIN: dict[Any, Reader] = {
    str: _checked(str),
    int: _checked(int),
    bool: _checked(bool),
    bytes: bytes.fromhex,
    date: date.fromisoformat,
    datetime: from_ms,
    timedelta: lambda data: data * _MILLISECOND,
}


def _class_reader(shape: Any) -> Reader:
    hints = typing.get_type_hints(shape)
    plan = []
    for field in dataclasses.fields(shape):
        hint = hints[field.name]
        kinds = {hint, *typing.get_args(hint)}
        suffix = "_ms" if kinds & {datetime, timedelta} else ""
        name = field.metadata.get("json", field.name + suffix)
        absent = None if type(None) in kinds else field.default
        plan.append((field.name, name, _reader_of(hint), absent))

    def read_class(data: Any) -> Any:
        values = {}
        for field, name, reader, absent in plan:
            if name in data:
                values[field] = reader(data[name])
            elif absent is dataclasses.MISSING:
                raise KeyError(name)
            else:
                values[field] = absent
        return shape(**values)

    return read_class
