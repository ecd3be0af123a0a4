#!/usr/bin/env python3
"""A receiver of a node's webhooks, with nothing but Python's standard library.

    ./receiver.py PORT SECRET

prints one line of JSON per event, each event once. The secret is what `precinto webhook add` showed.
A real receiver does what this one does, in this order: check the signature over the bytes as they
came, refuse what is old, do its work, remember the event's id together with it, and answer 2xx only
then. Events come in order and at least once: the ones it has already seen are skipped.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE_S = 300
MAX_BODY_BYTES = 1 << 20


def signed(secret: str, headers, body: bytes) -> bool:
    """Whether the delivery was signed with the secret (Standard Webhooks, v1), and lately."""
    delivery, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, one) for one in given)


def place(event) -> tuple[int, int]:
    """Where the event stands in the ledger: events are compared by it."""
    height, index = event["id"].split("-")
    return int(height), int(index)


class Receiver(BaseHTTPRequestHandler):
    secret = ""
    seen = (0, -1)

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > MAX_BODY_BYTES:
            return self.answer(413)
        body = self.rfile.read(length)
        if not signed(self.secret, self.headers, body):
            return self.answer(401)
        for event in json.loads(body)["events"]:
            if place(event) > Receiver.seen:
                print(json.dumps(event), flush=True)
                Receiver.seen = place(event)
        self.answer(204)

    def answer(self, status: int):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Receiver.secret = sys.argv[2]
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
