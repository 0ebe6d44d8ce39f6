"""A provider of OpenID Connect in a process of its own, for tests: strict with its clients, and able to lie to them.

`python oidc_provider.py PORT`. `POST /lie` with JSON says what the next token is to be: `claims` to put over the honest
ones (None takes one out), `header`, `how` it is signed; `POST /rotate` makes it sign with another key from then on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "securecollab", "provider-secret"


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})


def encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


class Provider(BaseHTTPRequestHandler):
    keys: ClassVar[list[RSAKey]] = []
    taken_back: ClassVar[list[RSAKey]] = []
    lie: ClassVar[dict[str, Any]] = {}
    codes: ClassVar[dict[str, dict[str, str]]] = {}
    people: ClassVar[dict[str, dict[str, Any]]] = {}
    redirect_uri: ClassVar[str] = ""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            pages = {"authorization": "authorize", "token": "token"}
            described = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in pages.items()}
            self.answer(200, {**described, "issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"})
        elif parts.path == "/jwks":
            self.answer(200, KeySet(self.keys).as_dict(private=False))
        elif parts.path == "/authorize":
            self.authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        elif self.path == "/lie":
            type(self).lie = json.loads(body)
            self.answer(200, {})
        elif self.path == "/people":
            self.people.update(json.loads(body))
            self.answer(200, {})
        elif self.path == "/rotate":
            self.taken_back[:], self.keys[:] = self.keys, [new_key()]
            self.answer(200, {})

    def authorize(self, asked: dict[str, str]) -> None:
        """`user` in the address stands for the form in which somebody says who they are."""
        wanted = {"client_id": CLIENT, "redirect_uri": self.redirect_uri, "response_type": "code"}
        if not wanted.items() <= asked.items() or asked.get("code_challenge_method") != "S256":
            self.answer(400, {"error": "invalid_request"})
            return
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        self.send_response(302)
        self.send_header("Location", f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def token(self, sent: dict[str, str]) -> None:
        asked = self.codes.pop(sent["code"], None)
        credentials = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        hashed = hashlib.sha256(sent["code_verifier"].encode()).digest()
        good = (
            asked is not None
            and asked["code_challenge"] == encoded(hashed).decode()
            and sent["redirect_uri"] == self.redirect_uri
        )
        if asked is None or not good or credentials != f"{CLIENT}:{SECRET}":
            self.answer(400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        honest = {
            "iss": self.issuer, "aud": CLIENT, "sub": f"sub-{asked['user']}", "iat": now, "exp": now + 300,
            "auth_time": now, "nonce": asked["nonce"], "preferred_username": asked["user"],
            **self.people.get(asked["user"], {}),
        }  # fmt: skip
        lie, type(self).lie = self.lie, {}
        claims = {name: value for name, value in (honest | lie.get("claims", {})).items() if value is not None}
        for name in ("exp", "iat", "auth_time"):
            claims |= {name: now + lie[name]} if name in lie else {}
        self.answer(200, {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims, lie)})

    def signed(self, claims: dict[str, Any], lie: dict[str, Any]) -> str:
        """By hand, since a good library signs nothing of what has to be refused."""
        how = lie.get("how", "RS256")
        key = self.taken_back[0] if how == "taken back" else self.keys[0]
        signer = new_key() if how == "stranger" else key
        head = {"alg": "RS256" if how in ("stranger", "taken back") else how, "kid": key.kid}
        signed = b".".join(encoded(json.dumps(one).encode()) for one in (head, claims))
        signature = b""
        if how == "HS256":  # with what everybody knows: the public key
            signature = hmac.digest(key.as_pem(private=False), signed, "sha256")
        elif how != "none":
            digest = hashes.SHA384() if how == "RS384" else hashes.SHA256()
            signature = signer.private_key.sign(signed, padding.PKCS1v15(), digest)
        return b".".join((signed, encoded(signature[::-1] if lie.get("broken") else signature))).decode()

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    Provider.keys.append(new_key())
    Provider.redirect_uri = sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Provider).serve_forever()
