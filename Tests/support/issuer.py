"""An issuer of workload tokens (OpenID Connect) of the tests' own: its keys are made and used by openssl."""

import base64
import json
import subprocess
import time

from fakehub import http

JSON = b"Content-Type: application/json"


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True, timeout=60).stdout


class Key:
    """A pair of keys, as a file of the tests and as a JSON Web Key."""

    KINDS = {
        "RS256": ("RSA", "rsa_keygen_bits:2048"), "RS256-1024": ("RSA", "rsa_keygen_bits:1024"),
        "ES256": ("EC", "ec_paramgen_curve:P-256"), "ES384": ("EC", "ec_paramgen_curve:P-384"), "EdDSA": ("ED25519", None),
    }  # fmt: skip

    def __init__(self, directory, kid, kind="RS256"):
        self.kid, self.kind = kid, kind
        self.algorithm = kind.partition("-")[0]
        self.path = directory / f"{kid}.pem"
        name, option = self.KINDS[kind]
        openssl("genpkey", "-algorithm", name, *(["-pkeyopt", option] if option else []), "-out", str(self.path))
        self.public = openssl("pkey", "-in", str(self.path), "-pubout", "-outform", "DER")
        self.public_pem = openssl("pkey", "-in", str(self.path), "-pubout")

    @property
    def jwk(self):
        members = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "RS256":
            text = openssl("rsa", "-in", str(self.path), "-modulus", "-noout").decode().strip().partition("=")[2]
            return {**members, "kty": "RSA", "n": encoded(bytes.fromhex(text)), "e": "AQAB"}
        if self.algorithm == "EdDSA":
            return {**members, "kty": "OKP", "crv": "Ed25519", "x": encoded(self.public[-32:])}
        size = 32 if self.algorithm == "ES256" else 48
        point = self.public[-2 * size:]
        return {**members, "kty": "EC", "crv": f"P-{8 * size}", "x": encoded(point[:size]), "y": encoded(point[size:])}

    def sign(self, data):
        """As RFC 7518 writes signatures."""
        if self.algorithm == "EdDSA":
            message = self.path.with_suffix(".message")
            message.write_bytes(data)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(self.path), "-in", str(message))
        made = openssl("dgst", "-sha256", "-sign", str(self.path), data=data)
        return made if self.algorithm == "RS256" else self._raw(made)

    def _raw(self, der):
        """The two numbers of an ECDSA signature without their DER."""
        at, numbers = 2, []
        for _ in range(2):
            length = der[at + 1]
            numbers.append(int.from_bytes(der[at + 2 : at + 2 + length], "big"))
            at += 2 + length
        size = 32 if self.algorithm == "ES256" else 48
        return b"".join(number.to_bytes(size, "big") for number in numbers)


class Issuer:
    """An issuer at a fake Hub's address; without one its keys are for a file."""

    def __init__(self, directory, server=None, url=None, kind="RS256"):
        self.directory = directory
        self.server = server
        self.url = url or server.url
        self.keys = [Key(directory, "first", kind)]
        self.extra = []
        self.fetches = 0
        if server:
            server.on("/.well-known/openid-configuration", self._configuration)
            server.on("/keys", self._keys)

    @property
    def key(self):
        """The one that signs."""
        return self.keys[-1]

    @property
    def jwks(self):
        return {"keys": [key.jwk for key in self.keys] + self.extra}

    def add_key(self, kid, kind="RS256"):
        self.keys.append(Key(self.directory, kid, kind))
        return self.key

    def _configuration(self, *_):
        return http(200, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode(), JSON)

    def _keys(self, *_):
        self.fetches += 1
        return http(200, json.dumps(self.jwks).encode(), JSON)

    def claims(self, **others):
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "https://gate.example", "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app",
            "iat": now, "nbf": now, "exp": now + 300,
        }  # fmt: skip
        return {name: value for name, value in {**claims, **others}.items() if value is not None}

    def token(self, key=None, header=None, payload=None, signature=None, **claims):
        """A token; what is given takes the place of what is right."""
        key = key or self.key
        head = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        signed = f"{encoded(head)}.{encoded(payload if payload is not None else self.claims(**claims))}"
        return f"{signed}.{encoded(key.sign(signed.encode()) if signature is None else signature)}"
