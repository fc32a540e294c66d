"""What config/make-certs.sh makes."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Certificates:
    """A directory that config/make-certs.sh has filled."""

    directory: Path

    @property
    def authority(self):
        return self.directory / "ca.pem"

    @property
    def certificate(self):
        return self.directory / "cert.pem"

    @property
    def key(self):
        return self.directory / "key.pem"

    @property
    def settings(self):
        return {"HUBGATE_TLS_CERT": str(self.certificate), "HUBGATE_TLS_KEY": str(self.key)}

    @property
    def chain_with_key(self):
        """One file's text, as HAProxy wants it."""
        return self.certificate.read_text() + self.key.read_text()

    def copied(self, directory):
        """A copy, to be replaced or opened to others: making new ones takes a quarter of a second."""
        return Certificates(Path(shutil.copytree(self.directory, directory)))

    def client_context(self):
        context = ssl.create_default_context(cafile=self.authority)
        context.set_alpn_protocols(["http/1.1"])
        return context


def make_certificates(directory):
    subprocess.run(
        [ROOT / "config/make-certs.sh", "--out", directory], check=True, capture_output=True, timeout=30
    )
    return Certificates(Path(directory))
