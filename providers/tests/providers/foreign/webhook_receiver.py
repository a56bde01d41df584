"""A receiver of webhooks that verifies with `standardwebhooks` and reads with `cloudevents`.

Usage: webhook_receiver.py SECONDS SECRET

It prints its port, and then a line of JSON for each event that it accepts (204), or writes to stderr why it rejects it
(401). SECONDS is the time of its clock.
"""

import datetime
import http.server
import json
import sys

import standardwebhooks.webhooks as standard
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

seconds, secret = sys.argv[1:]


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(int(seconds), tz)


standard.datetime = Clock
webhook = standard.Webhook(secret)


def accept(headers, body):
    webhook.verify(body, headers, json_parse=False)
    if headers["content-type"] != "application/cloudevents+json":
        raise ValueError(headers["content-type"])
    event = from_structured_event(HTTPMessage(headers=headers, body=body))
    attributes = event.get_attributes()
    return {
        "id": headers["webhook-id"],
        "attributes": attributes | {"time": attributes["time"].isoformat()},
        "data": event.get_data(),
    }


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            print(json.dumps(accept(headers, body)), flush=True)
            status = 204
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            status = 401
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
