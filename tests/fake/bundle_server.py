#!/usr/bin/env python3
"""A server of bundles that waits for news when it is asked to (RFC 7240, wait).

bundle_server.py DIR: HTTPS on 127.0.0.1; its certificate with the key, and the CA
of clients, from DIR/server.pem and DIR/client-ca.pem. Files are those of DIR/www.
DIR/mode is "wait", or "now": Prefer means nothing to it, or "hang": it answers
nobody who waits. DIR/asked has a line for each request, "PATH PREFER HAS-TAG", when
it came, and one for each answer, "STATUS PATH". "PORT\n" on standard output: it
serves.
"""

import hashlib
import http.server
import os
import re
import ssl
import sys
import time

room = sys.argv[1]


def path(name):
    return os.path.join(room, name)


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def note(self, text):
        with open(path("asked"), "a") as f:
            f.write(text + "\n")

    def file(self):
        body = read("www/" + os.path.basename(self.path))
        return body, '"%s"' % hashlib.sha256(body).hexdigest()[:16]

    def do_GET(self):
        prefer = self.headers.get("Prefer", "")
        tag = self.headers.get("If-None-Match", "")
        self.note("%s %s %u" % (self.path, prefer or "-", tag != ""))
        wait = re.fullmatch(r"wait=(\d+)", prefer)
        mode = read("mode").decode().strip()
        until = time.monotonic() + (int(wait[1]) if wait else 0)
        body, now = self.file()
        while mode == "hang" or (
            mode == "wait" and now == tag and time.monotonic() < until
        ):
            time.sleep(0.02)
            body, now = self.file()
        status = 304 if now == tag else 200
        self.send_response(status)
        self.send_header("ETag", now)
        if status == 200:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status == 200:
            self.wfile.write(body)
        self.note("%u %s" % (status, self.path))

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who left early


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("server.pem"))
context.load_verify_locations(path("client-ca.pem"))
context.verify_mode = ssl.CERT_REQUIRED
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
os.write(1, b"%d\n" % server.server_address[1])
server.serve_forever()
