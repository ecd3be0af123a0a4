"""Is a benefit due to the operator of a consignment, and why?

    benefit_check.py --node http://127.0.0.1:8702 --token-file network/nodes/2/tokens/auditor
        uy-br uy-dna uy-rut 214033020011 importer AEOS

Exit status 0 if it is due, 1 if it is not, 2 if that cannot be told.
"""

from __future__ import annotations

import argparse
import sys

from precinto import Client, PrecintoError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Is a benefit due, and why?")
    parser.add_argument("--node", required=True)
    parser.add_argument("--token-file", required=True)
    for name in ("mra", "partner", "scheme", "identifier", "role", "type"):
        parser.add_argument(name)
    asked = parser.parse_args(arguments)
    try:
        with Client.from_token_file(asked.node, asked.token_file) as client:
            answer = client.aeo.benefit(
                asked.mra,
                asked.partner,
                asked.scheme,
                asked.identifier,
                role=asked.role,
                type=asked.type,
            )
    except PrecintoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{'due' if answer.due else 'not due'}: {answer.explanation}")
    print(f"as of height {answer.height}, {answer.time:%Y-%m-%d %H:%M:%S} UTC")
    return 0 if answer.due else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
