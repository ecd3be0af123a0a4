"""What an analyst asks of the whole list: who has how many, in force or not, and what ends soon.

    aeo_frame.py --node http://127.0.0.1:8702 --token-file network/nodes/2/tokens/analyst

Needs `precinto[pandas]`.
"""

from __future__ import annotations

import argparse
import sys

import pandas as pd

from precinto import Client, PrecintoError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="A summary of all authorizations.")
    parser.add_argument("--node", required=True)
    parser.add_argument("--token-file", required=True)
    asked = parser.parse_args(arguments)
    try:
        with Client.from_token_file(asked.node, asked.token_file) as client:
            frame = client.aeo.frame()
    except PrecintoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if frame.empty:
        print("no authorizations")
        return 0
    standing = frame["standing"].cat.remove_unused_categories()
    print(pd.crosstab(frame["member"], standing, margins=True, margins_name="all"))
    today = pd.Timestamp.now("UTC").tz_localize(None).normalize()
    soon = frame[frame["in_force"] & (frame["valid_until"] <= today + pd.Timedelta(days=90))]
    print(f"\n{len(soon)} in force end within 90 days")
    print(soon.sort_values("valid_until")[["member", "number", "valid_until"]].to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
