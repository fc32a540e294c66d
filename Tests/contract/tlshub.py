"""A TLS server by OpenSSL itself, for what Python's ssl cannot do: it asks for new keys as often as a test wants."""

import contextlib
import ctypes
import socket
import threading

from ports import connections

SSL_FILETYPE_PEM = 1
KEY_UPDATE_NOT_REQUESTED, KEY_UPDATE_REQUESTED = 0, 1


def _library():
    library = ctypes.CDLL("libssl.so.3")
    for name, arguments in {
        "TLS_server_method": [],
        "SSL_CTX_new": [ctypes.c_void_p],
        "SSL_new": [ctypes.c_void_p],
    }.items():
        getattr(library, name).restype = ctypes.c_void_p
        getattr(library, name).argtypes = arguments
    for name in ("SSL_CTX_use_certificate_chain_file",):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.SSL_CTX_use_PrivateKey_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
    for name in ("SSL_read", "SSL_write"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.SSL_new_session_ticket.argtypes = [ctypes.c_void_p]
    for name in ("SSL_accept", "SSL_do_handshake", "SSL_free"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    return library


class TLSConnection:
    def __init__(self, library, ssl, plain):
        self.library, self.ssl, self.plain = library, ssl, plain

    def read_head(self):
        head, buffer = b"", ctypes.create_string_buffer(16384)
        while b"\r\n\r\n" not in head:
            count = self.library.SSL_read(self.ssl, buffer, len(buffer))
            if count <= 0:
                return None
            head += buffer.raw[:count]
        return head

    def read(self, count):
        """So many bytes, or fewer where the other side has closed."""
        got, buffer = 0, ctypes.create_string_buffer(16384)
        while got < count and (part := self.library.SSL_read(self.ssl, buffer, min(len(buffer), count - got))) > 0:
            got += part
        return got

    @contextlib.contextmanager
    def in_one_segment(self):
        """What is sent meanwhile leaves at once."""
        self.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        yield
        self.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def send(self, data):
        return self.library.SSL_write(self.ssl, data, len(data)) > 0

    def update_key(self, kind=KEY_UPDATE_NOT_REQUESTED):
        """False: the other side is gone."""
        return self.library.SSL_key_update(self.ssl, kind) == 1 and self.library.SSL_do_handshake(self.ssl) == 1

    def send_ticket(self):
        return self.library.SSL_new_session_ticket(self.ssl) == 1 and self.library.SSL_do_handshake(self.ssl) == 1


class TLSHub:
    """Calls `serve` with a TLSConnection, in a thread for each connection, and closes it when that returns."""

    def __init__(self, certificates, serve):
        self.library = _library()
        self.context = self.library.SSL_CTX_new(self.library.TLS_server_method())
        assert self.library.SSL_CTX_use_certificate_chain_file(self.context, str(certificates.certificate).encode()) == 1
        key = str(certificates.key).encode()
        assert self.library.SSL_CTX_use_PrivateKey_file(self.context, key, SSL_FILETYPE_PEM) == 1
        self.serve = serve
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        for plain in connections(self.listener):
            threading.Thread(target=self._serve, args=[plain], daemon=True).start()

    def _serve(self, plain):
        ssl = self.library.SSL_new(self.context)
        self.library.SSL_set_fd(ssl, plain.fileno())
        if self.library.SSL_accept(ssl) == 1:
            self.serve(TLSConnection(self.library, ssl, plain))
        self.library.SSL_free(ssl)
        plain.close()

    def close(self):
        self.listener.close()
