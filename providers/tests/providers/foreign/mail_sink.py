"""A mail server (aiosmtpd) that prints the mails that it receives.

Usage: mail_sink.py plain|starttls|wrapped FOLDER [USER PASSWORD]

It prints its port, and then a line of JSON for each mail. With TLS its certificate, for `localhost`, is signed by its
own authority, whose certificate it writes to FOLDER/ca.pem first. Mail to declined@… is rejected permanently, to later@…
temporarily.
"""

import asyncio
import base64
import json
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

mode, folder, *login = sys.argv[1:]


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("declined@"):
            return "550 5.1.1 not here"
        if address.startswith("later@"):
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": base64.b64encode(envelope.content).decode(),
            "tls": session.ssl is not None or mode == "wrapped",
            "user": getattr(session.auth_data, "login", b"").decode() if session.auth_data else None,
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    expected = tuple(text.encode() for text in login)
    return AuthResult(success=(data.login, data.password) == expected, handled=False, auth_data=data)


def tls_context():
    authority = trustme.CA()
    authority.cert_pem.write_to_path(f"{folder}/ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def serve():
    options = {"hostname": "localhost"}
    context = None if mode == "plain" else tls_context()
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if login:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Sink(), **options),
        "127.0.0.1",
        0,
        ssl=context if mode == "wrapped" else None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(serve())
