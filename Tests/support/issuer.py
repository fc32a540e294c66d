"""An issuer of workload tokens (OpenID Connect) of the tests' own: its keys are made and used by openssl."""

import base64
import functools
import json
import subprocess
import time
from dataclasses import dataclass

from fakehub import http

JSON = b"Content-Type: application/json"


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True, timeout=60).stdout


@dataclass(frozen=True)
class _Pair:
    """What openssl says of a new pair of keys: `numbers` are the members of its JSON Web Key."""

    private_pem: bytes
    public: bytes
    public_pem: bytes
    numbers: dict


@functools.cache
def _pair(name, option, kid):
    """Made once in a run for each `kid`: an RSA key takes some hundred milliseconds."""
    private_pem = openssl("genpkey", "-algorithm", name, *(["-pkeyopt", option] if option else []))
    public = openssl("pkey", "-pubout", "-outform", "DER", data=private_pem)
    if name == "RSA":
        modulus = openssl("rsa", "-modulus", "-noout", data=private_pem).decode().strip().partition("=")[2]
        numbers = {"kty": "RSA", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}
    elif name == "ED25519":
        numbers = {"kty": "OKP", "crv": "Ed25519", "x": encoded(public[-32:])}
    else:
        curve = option.partition(":")[2]
        size = 32 if curve == "P-256" else 48
        point = public[-2 * size :]
        numbers = {"kty": "EC", "crv": curve, "x": encoded(point[:size]), "y": encoded(point[size:])}
    return _Pair(private_pem, public, openssl("pkey", "-pubout", data=private_pem), numbers)


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
        self._pair = _pair(*self.KINDS[kind], kid)
        self.path.write_bytes(self._pair.private_pem)
        self.public, self.public_pem = self._pair.public, self._pair.public_pem

    @property
    def jwk(self):
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm, **self._pair.numbers}

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
