"""Answers every request with the phase of the moon, and ends in order when it is told to."""

import os
import signal
import socketserver
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler

import moonphase


class Moon(BaseHTTPRequestHandler):
    def do_GET(self):
        body = moonphase.name(datetime.now(timezone.utc)).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# http.server's own class asks DNS for the machine's name before it listens.
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    with Server(("", int(os.environ.get("PORT", "8080"))), Moon) as server:

        def end(*_):
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        print("listening on port", server.server_address[1], flush=True)
        server.serve_forever(poll_interval=0.1)
    print("ended", flush=True)


main()
