"""What the Python verifiers have in common: a service that answers whose token came."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ISSUER, AUDIENCE, JWKS, ALG = (os.environ[name] for name in ("ISSUER", "AUDIENCE", "JWKS", "ALG"))
PORT = int(os.environ["PORT"])


kept = {"keys": []}


def keys_with(kid):
    """For libraries that fetch none; asked for again for a key that is not among them."""
    global kept
    if kid not in [key["kid"] for key in kept["keys"]]:
        with urllib.request.urlopen(JWKS) as answer:
            kept = json.load(answer)
    return kept


def serve(claims_of):
    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            token = self.headers.get("authorization", "")[len("Bearer ") :]
            try:
                status, text = 200, claims_of(token)["username"]
            except Exception as error:
                status, text = 401, repr(error)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", PORT), Service).serve_forever()
