"""Server-sent events (HTML Living Standard, section 9.2), as far as a node uses them."""

from __future__ import annotations

from dataclasses import dataclass, field

from precinto.decode import unexpected

MAX_MESSAGE_BYTES = 1 << 20
"""No event of a ledger is near it: a message that is larger comes from something else."""


@dataclass(slots=True)
class Message:
    """A message: its id, its type, its data."""

    id: str | None = None
    kind: str | None = None
    data: list[str] = field(default_factory=list)


class Parser:
    """Makes messages of bytes, however these are cut.

    Lines end with a line feed alone: JSON may contain every other character that Python counts as
    the end of a line.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._message = Message()
        self._size = 0

    def push(self, piece: bytes) -> list[Message]:
        """The messages that `piece` completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        messages = []
        for raw in lines:
            line = raw.removesuffix(b"\r")
            self._size += len(line)
            if line:
                self._take(line.decode())
            else:
                if self._message != Message():
                    messages.append(self._message)
                self._message, self._size = Message(), 0
        if self._size + len(self._rest) > MAX_MESSAGE_BYTES:
            raise unexpected(f"a message of the event stream exceeds {MAX_MESSAGE_BYTES} bytes")
        return messages

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "id":
                self._message.id = value
            case "event":
                self._message.kind = value
            case "data":
                self._message.data.append(value)
            # An empty name is a comment that keeps the connection alive.
