#!/usr/bin/env python3
"""A server that takes lines of the audit log, and misbehaves as it is told.

upstream_server.py DIR PORT [ADDRESS]: HTTPS, on 127.0.0.1 or there; certificate, its key and the
CA of clients from DIR/server.pem and DIR/client-ca.pem. DIR/mode says what is done
with a request, DIR/got has each line that was taken, once, as it came, and
DIR/asked one line for each request: its key, how many lines of it were there
already, and what was said to be lost. "PORT\n" on standard output: it serves.
"""

import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time

room, port = sys.argv[1], int(sys.argv[2])
address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
had, lock = set(), threading.Lock()


def path(name):
    return os.path.join(room, name)


def mode():
    with open(path("mode")) as f:
        return f.read().strip()


def number(chain, line):
    return chain, json.loads(line)["seq"]


# what it had before it was killed: "CHAIN LINE" for each
if os.path.exists(path("got")):
    with open(path("got")) as f:
        for text in f:
            chain, line = text.split(" ", 1)
            had.add(number(chain, line))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self, body):
        """Whole lines alone. How many of them were there already."""
        chain, again = self.headers["Sallyport-Chain"], 0
        with lock, open(path("got"), "a") as f:
            for line in body.decode().splitlines(True):
                if not line.endswith("\n"):
                    continue
                if number(chain, line) in had:
                    again += 1
                    continue
                had.add(number(chain, line))
                f.write(chain + " " + line)
        with lock, open(path("asked"), "a") as f:
            f.write("%s %u %s\n" % (self.headers["Idempotency-Key"], again,
                                    self.headers["Sallyport-Lost"]))

    def answer(self, status, text=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        now, *most = mode().split()
        if now == "413" and size > int(most[0]):
            self.answer(413, b"less")
            # Of the body nothing is used. It is taken nevertheless, as servers
            # do: closed with it unread, a socket resets its peer, who may lose
            # the answer.
            while size > 0 and self.rfile.read(min(size, 4096)):
                size -= min(size, 4096)
            self.close_connection = True
            return
        if now == "half":
            self.take(self.rfile.read(size // 2))
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = b""
        while len(body) < size:
            part = self.rfile.read(min(size - len(body), size // 8 + 1))
            if not part:
                return
            body += part
            if now == "slow":
                time.sleep(0.02)
        if now == "500":
            self.answer(500, b"no")
        elif now == "503":
            self.answer(503, b"later", Retry_After="77")
        elif now == "redirect":
            self.answer(307, Location="https://127.0.0.1:1/lines")
        elif now == "garbage":
            self.wfile.write(bytes(range(256)) * 64)
            self.close_connection = True
        elif now == "headers":
            self.send_response(200)
            for i in range(1 << 16):
                self.send_header("X-%u" % i, "x" * 1024)
            self.end_headers()
        elif now == "hang":
            self.connection.recv(1)  # until the other side has enough
        elif now == "mute":
            self.take(body)
            self.connection.shutdown(socket.SHUT_RDWR)
        elif now == "babble":
            self.take(body)
            self.answer(200, b"x" * (1 << 20))
        else:
            self.take(body)
            self.answer(204 if now == "204" else 200)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # who left early


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("server.pem"))
context.load_verify_locations(path("client-ca.pem"))
context.verify_mode = ssl.CERT_REQUIRED
server = Server((address, port), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
os.write(1, b"%d\n" % server.server_address[1])
server.serve_forever()
