"""Acts on every suspension as it is committed, exactly where it stopped if it is restarted.

    follow_suspensions.py --node http://127.0.0.1:8702 --token-file network/nodes/2/tokens/auditor
        --cursor-file suspensions.cursor

The cursor is written after a suspension was acted on: one may be acted on twice (after a crash in
between), none is missed. Who needs each exactly once keeps the cursor in one transaction with what
was done: see examples/postgres-mirror.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from precinto import Client, Event, PrecintoError


def act(event: Event) -> None:
    """What a national system would do: here, say it."""
    if event.transition is None:
        return
    change, authorization = event.transition, event.transition.authorization
    print(
        f"{event.time:%Y-%m-%d %H:%M:%S} {authorization.member} {authorization.number} suspended "
        f"from {change.effective:%Y-%m-%d %H:%M} on ({change.reason})",
        flush=True,
    )


def keep(cursor: str, file: Path) -> None:
    """Replaces the file as a whole, so that a crash leaves the old or the new one."""
    written = file.with_suffix(".new")
    written.write_text(cursor)
    os.replace(written, file)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Follow suspensions of authorizations.")
    parser.add_argument("--node", required=True)
    parser.add_argument("--token-file", required=True)
    parser.add_argument("--cursor-file", required=True, type=Path)
    asked = parser.parse_args(arguments)
    file: Path = asked.cursor_file
    after = file.read_text() if file.exists() else None
    since = None if after else 0
    try:
        with Client.from_token_file(asked.node, asked.token_file) as client:
            for event in client.events(after=after, since=since, topic="aeo.suspended"):
                act(event)
                keep(event.cursor, file)
    except PrecintoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
