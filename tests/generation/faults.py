"""A proxy before a server that does, at random, what servers do on bad days."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "half-closed", "no choices", "no JSON", "stall")


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests to `upstream`, host and port, but for a `share` of them. `seen` counts what it did.

    Until `hold` requests were there at once, none is passed on.
    """

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int], share: float, stall: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.share, self.stall = upstream, share, stall
        self.hold = 0
        self.seen: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.most = self.running = 0
        self.lock = threading.Lock()
        self._random = random.Random(7)

    def fault(self) -> str:
        """What befalls this request; nothing for most."""
        with self.lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self.share else ""
            self.seen[fault or "passed"] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.keys.add(self.headers.get("Authorization", ""))
            self.server.running += 1
            self.server.most = max(self.server.most, self.server.running)
        try:
            self._answer(self.server.fault(), body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has given up
        finally:
            with self.server.lock:
                self.server.running -= 1

    def _answer(self, fault: str, body: bytes) -> None:
        match fault:
            case "429" | "500" | "400" | "401":
                # A server that quotes the key, as some do.
                key = self.headers.get("Authorization", "")
                self._send(int(fault), json.dumps({"error": {"message": f"bad {key}"}}).encode())
            case "half-closed":
                self.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": [')
                self.connection.shutdown(socket.SHUT_WR)
                self.close_connection = True
            case "no choices":
                self._send(
                    200,
                    b'{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}',
                )
            case "no JSON":
                self._send(200, b'{"choices": [{"mess')
            case "stall":
                time.sleep(self.server.stall)
                self.close_connection = True
            case _:
                self._pass(body)

    def _pass(self, body: bytes) -> None:
        deadline = time.monotonic() + 10
        while self.server.most < self.server.hold and time.monotonic() < deadline:
            time.sleep(0.01)
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=120)
        connection.request("POST", self.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        self._send(response.status, response.read())
        connection.close()

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""
