"""Certificate authorities of the tests' own, which openssl plays: they issue, and they revoke."""

import datetime
import os
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """[ca]
default_ca=x
[x]
database={ca}/index
new_certs_dir={ca}
serial={ca}/serial
crlnumber={ca}/crlnumber
default_md=sha256
default_crl_days=7
policy=p
unique_subject=no
preserve=yes
string_mask=utf8only
[p]
organizationName=optional
organizationalUnitName=optional
commonName=optional
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *[os.fsencode(part) for part in map(os.fspath, arguments)]], capture_output=True, timeout=30)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


def moment(days):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


@dataclass(frozen=True)
class Pair:
    """A certificate with all that its issuer has to be found by, and its key."""

    chain: Path
    key: Path
    certificate: Path

    def context(self, gate, version=None):
        """For a connection to the gate with this certificate, in that version of TLS."""
        context = gate.certificates.client_context()
        context.load_cert_chain(self.chain, self.key)
        if version:
            context.minimum_version = context.maximum_version = version
        return context


class Authority:
    """Signs certificates; itself signed by another one, or by itself."""

    def __init__(self, directory, name, parent=None, days=(-1, 30), extension="basicConstraints=critical,CA:TRUE"):
        self.directory = Path(directory) / name
        self.directory.mkdir(parents=True)
        (self.directory / "index").touch()
        for counter in ("serial", "crlnumber"):
            (self.directory / counter).write_text("1000\n")
        (self.directory / "config").write_text(CONFIGURATION.format(ca=self.directory))
        self.name, self.parent, self.numbers = name, parent, 0
        self.key = self.directory / "ca.key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        self.certificate = self.directory / "ca.pem"
        self._sign(self.key, f"/CN={name}", extension, days, self.certificate, parent)

    def _sign(self, key, subject, extension, days, path, signer):
        request, extensions = path.with_suffix(".csr"), path.with_suffix(".ext")
        openssl("req", "-new", "-utf8", "-key", key, "-subj", subject, "-out", request)
        extensions.write_text(extension + "\n")
        signing = ["-cert", signer.certificate, "-keyfile", signer.key] if signer else ["-selfsign", "-keyfile", key]
        openssl(
            "ca", "-batch", "-notext", "-utf8", "-config", (signer or self).directory / "config", *signing, "-in", request, "-out", path,
            "-extfile", extensions, "-startdate", moment(days[0]), "-enddate", moment(days[1]),
        )  # fmt: skip

    @property
    def pem(self):
        return self.certificate.read_text()

    def issue(self, subject="/CN=someone", names=None, usage="clientAuth", days=(-1, 30), extension=""):
        """`names` as openssl writes subjectAltName; `usage` as extendedKeyUsage, None for none."""
        self.numbers += 1
        path = self.directory / f"leaf-{self.numbers}.pem"
        key = path.with_suffix(".key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        lines = ["basicConstraints=CA:FALSE", extension]
        lines += [f"extendedKeyUsage={usage}"] if usage else []
        lines += [f"subjectAltName={names}"] if names else []
        self._sign(key, subject, "\n".join(line for line in lines if line), days, path, self)
        chain, above = path.read_text(), self
        while above.parent:
            chain, above = chain + above.pem, above.parent
        whole = path.with_suffix(".chain")
        whole.write_text(chain)
        return Pair(whole, key, path)

    def self_signed(self, subject="/CN=someone"):
        self.numbers += 1
        path = self.directory / f"own-{self.numbers}.pem"
        key = path.with_suffix(".key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        openssl("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", "9", "-out", path)
        return Pair(path, key, path)

    def revoke(self, certificate):
        openssl("ca", "-config", self.directory / "config", "-cert", self.certificate, "-keyfile", self.key, "-revoke", certificate)

    def revocation_list(self, days=(-1, 7)):
        """In PEM."""
        path = self.directory / "list.pem"
        openssl(
            "ca", "-gencrl", "-config", self.directory / "config", "-cert", self.certificate, "-keyfile", self.key, "-out", path,
            "-crl_lastupdate", moment(days[0]), "-crl_nextupdate", moment(days[1]),
        )  # fmt: skip
        return path.read_text()


TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
