"""TLS records as a client would never send them: sealed here, with the keys of a handshake that Python's `ssl` has made."""

import ctypes
import ctypes.util
import hmac
import ssl
import tempfile
from pathlib import Path

HANDSHAKE, ALERT, DATA = 22, 21, 23
KEY_UPDATE, KEY_UPDATE_REQUESTED = b"\x18\0\0\1\0", b"\x18\0\0\1\1"
# close_notify is not among them.
USER_CANCELED, NO_RENEGOTIATION = b"\1\x5a", b"\1\x64"

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm"):
    getattr(_crypto, _name).restype = ctypes.c_void_p
_GET_TAG = 16


class _Gcm:
    """AES-128-GCM (NIST SP 800-38D), by the library that Python's `ssl` uses."""

    def __init__(self, key):
        self.context = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
        assert _crypto.EVP_EncryptInit_ex(self.context, ctypes.c_void_p(_crypto.EVP_aes_128_gcm()), None, key, None)

    def seal(self, nonce, plain, header):
        out, length = ctypes.create_string_buffer(len(plain) + 16), ctypes.c_int()
        assert _crypto.EVP_EncryptInit_ex(self.context, None, None, None, nonce)
        assert _crypto.EVP_EncryptUpdate(self.context, None, ctypes.byref(length), header, len(header))
        if plain:
            assert _crypto.EVP_EncryptUpdate(self.context, out, ctypes.byref(length), plain, len(plain))
        assert _crypto.EVP_EncryptFinal_ex(self.context, ctypes.create_string_buffer(16), ctypes.byref(length))
        tag = ctypes.create_string_buffer(16)
        assert _crypto.EVP_CIPHER_CTX_ctrl(self.context, _GET_TAG, 16, tag)
        return out.raw[: len(plain)] + tag.raw

    def __del__(self):
        _crypto.EVP_CIPHER_CTX_free(self.context)


def _expand_label(secret, label, length):
    """RFC 8446 section 7.1, one block."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return hmac.digest(secret, info + b"\1", "sha256")[:length]


def _prf(secret, label, seed, length):
    """RFC 5246 section 5."""
    seed, part, out = label + seed, label + seed, b""
    while len(out) < length:
        part = hmac.digest(secret, part, "sha256")
        out += hmac.digest(secret, part + seed, "sha256")
    return out[:length]


class Sealer13:
    def __init__(self, secret):
        self._use(secret)

    def _use(self, secret):
        self.secret, self.number = secret, 0
        self.gcm, self.iv = _Gcm(_expand_label(secret, b"key", 16)), _expand_label(secret, b"iv", 12)

    def record(self, kind, content):
        nonce = bytes(a ^ b for a, b in zip(self.iv, self.number.to_bytes(12, "big"), strict=True))
        self.number += 1
        header = b"\x17\3\3" + (len(content) + 17).to_bytes(2, "big")
        record = header + self.gcm.seal(nonce, content + bytes([kind]), header)
        if kind == HANDSHAKE and content in (KEY_UPDATE, KEY_UPDATE_REQUESTED):
            self._use(_expand_label(self.secret, b"traffic upd", 32))
        return record


class Sealer12:
    def __init__(self, master, client_random, server_random):
        block = _prf(master, b"key expansion", server_random + client_random, 40)
        # Its Finished was record 0.
        self.gcm, self.iv, self.number = _Gcm(block[:16]), block[32:36], 1

    def record(self, kind, content):
        number = self.number.to_bytes(8, "big")
        self.number += 1
        header = bytes([kind]) + b"\3\3" + len(content).to_bytes(2, "big")
        sealed = number + self.gcm.seal(self.iv + number, content, number + header)
        return header[:3] + len(sealed).to_bytes(2, "big") + sealed


def read_content(session, incoming, plain):
    """Some content of a TLS session whose bytes are carried by hand; empty at the end of the socket."""
    while True:
        try:
            return session.read(65536)
        except ssl.SSLWantReadError:
            part = plain.recv(65536)
            if not part:
                return b""
            incoming.write(part)


class RawClient:
    """A connection whose handshake is done, and what seals its next records. `hello` is its ClientHello, without record headers."""

    def __init__(self, gate, version):
        context = gate.certificates.client_context()
        context.minimum_version = context.maximum_version = version
        if version == ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        with tempfile.TemporaryDirectory() as directory:
            keys = Path(directory) / "keys"
            context.keylog_filename = str(keys)
            self.socket = gate.tcp()
            sent, received = self._shake_hands(context)
            lines = {line.split()[0]: bytes.fromhex(line.split()[2]) for line in keys.read_text().splitlines() if line[0] != "#"}
        self.hello = sent[5:]
        if version == ssl.TLSVersion.TLSv1_2:
            self.sealer = Sealer12(lines["CLIENT_RANDOM"], sent[11:43], received[11:43])
        else:
            assert self.session.cipher()[0] == "TLS_AES_128_GCM_SHA256"
            self.sealer = Sealer13(lines["CLIENT_TRAFFIC_SECRET_0"])

    def _shake_hands(self, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        first = received = b""
        while True:
            try:
                self.session.do_handshake()
                self.socket.sendall(self.outgoing.read())
                return first, received
            except ssl.SSLWantReadError:
                flight = self.outgoing.read()
                first = first or flight
                self.socket.sendall(flight)
                part = self.socket.recv(65536)
                received += part
                self.incoming.write(part)

    def record(self, kind, content):
        return self.sealer.record(kind, content)

    def read(self):
        """Some content of the gate's; empty at the end."""
        return read_content(self.session, self.incoming, self.socket)

    def is_cut(self, seconds=5):
        """Waits until the gate has ended the connection; false if it does not."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self):
        self.socket.close()
