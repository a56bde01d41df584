"""A carrier with TLS that accepts every shipment.

Usage: tls_carrier.py FOLDER

It prints its port. Its certificate, for `localhost`, is signed by its own authority, whose certificate it writes to
FOLDER/ca.pem first.
"""

import http.server
import ssl
import sys

import trustme


class Carrier(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"tracking_number": "TLS-1"}'
        self.send_response(201)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


authority = trustme.CA()
authority.cert_pem.write_to_path(f"{sys.argv[1]}/ca.pem")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(context)
server = http.server.HTTPServer(("127.0.0.1", 0), Carrier)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
