"""Certificates that no client could use are refused before they are used: at the start, by --check, and at a reload, which
keeps the old pair. What may keep some clients away is a warning."""

import datetime
import shutil
import subprocess

import pytest

from gate import Certificates, run
from test_lifecycle import begin, reload, serial_of  # noqa: F401
from waiting import wait_until

KEYS = {
    "EC": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EC P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "EC secp256k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "RSA": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "RSA 1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "ED25519": ["-algorithm", "ED25519"],
}
NOW = datetime.datetime.now(datetime.UTC)


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True, capture_output=True, timeout=30).stdout


class Authority:
    """Signs certificates; itself signed by another one, or by itself."""

    def __init__(self, directory, name, parent=None, days=(-1, 90)):
        self.directory, self.name = directory, name
        self.key = make_key(directory, name, "EC")
        self.certificate = issue(directory, name, self.key, parent or self, "basicConstraints=critical,CA:TRUE", days)

    @property
    def pem(self):
        return self.certificate.read_text()


def make_key(directory, name, kind):
    path = directory / f"{name}.key"
    openssl("genpkey", *KEYS[kind], "-out", path)
    return path


def issue(directory, name, key, issuer, extension, days=(-1, 90)):
    path, request = directory / f"{name}.pem", directory / f"{name}.csr"
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
    extensions = directory / f"{name}.ext"
    extensions.write_text(f"{extension}\nsubjectKeyIdentifier=hash\n")
    ca = directory / f"{name}.ca"
    ca.mkdir()
    (ca / "index").touch()
    (ca / "config").write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={ca}/index\nnew_certs_dir={ca}\nserial={ca}/serial\ndefault_md=sha256\n"
        "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
    )
    begins, ends = ((NOW + datetime.timedelta(days=day)).strftime("%Y%m%d%H%M%SZ") for day in days)
    signer = ["-selfsign", "-keyfile", key] if issuer.name == name else ["-cert", issuer.certificate, "-keyfile", issuer.key]
    openssl(
        "ca", "-batch", "-notext", "-create_serial", "-config", ca / "config", *signer, "-in", request, "-out", path,
        "-extfile", extensions, "-startdate", begins, "-enddate", ends,
    )
    return path


LEAF = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Self-signed pairs of each kind of key, and a second key of each."""
    directory = tmp_path_factory.mktemp("pairs")
    pairs = {}
    for kind in KEYS:
        name = kind.replace(" ", "-")
        key = make_key(directory, name, kind)
        certificate = directory / f"{name}.pem"
        openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=localhost", "-addext", LEAF, "-days", "9", "-out", certificate)
        pairs[kind] = certificate, key, make_key(directory, f"{name}-other", kind)
    return pairs


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    directory = tmp_path_factory.mktemp("chain")
    root = Authority(directory, "root")
    middle = Authority(directory, "middle", root)
    key = make_key(directory, "leaf", "EC")
    leaf = issue(directory, "leaf", key, middle, LEAF)
    return directory, root, middle, leaf.read_text(), key


def check(workspace, certificate, key, **options):
    return run(workspace, "--check", HUBGATE_TLS_CERT=str(certificate), HUBGATE_TLS_KEY=str(key), **options)


def pairs_that_do_not_fit(made):
    for kind in KEYS:
        for other in KEYS:
            if kind != other:
                yield kind, other, made[kind][0], made[other][1]
        yield kind, "another one", made[kind][0], made[kind][2]


def test_a_key_of_another_certificate_is_refused_whatever_its_type(workspace, made):
    for kind, other, certificate, key in pairs_that_do_not_fit(made):
        if kind == "RSA 1024":
            continue
        done = check(workspace, certificate, key)
        assert done.returncode == 78, (kind, other)
        assert "does not belong" in done.stderr and str(key) in done.stderr, (kind, other, done.stderr)


def test_the_types_are_named_where_they_differ(workspace, made):
    line = check(workspace, made["EC"][0], made["RSA"][1]).stderr
    assert "type RSA" in line and "EC" in line


@pytest.mark.parametrize("kind", ["EC", "EC P-384", "RSA", "ED25519"])
def test_a_pair_of_each_usual_type_serves(begin, made, tmp_path, kind):  # noqa: F811
    for source, name in zip(made[kind][:2], ("cert.pem", "key.pem"), strict=True):
        shutil.copy(source, tmp_path / name)
    shutil.copy(made[kind][0], tmp_path / "ca.pem")
    gate = begin(Certificates(tmp_path), "--sandbox")
    assert gate.ask().status == 200
    assert not [message for message in gate.messages if "chain" in message]
    gate.stop()


def test_an_rsa_key_that_is_too_short_is_named_as_such(workspace, made):
    done = check(workspace, *made["RSA 1024"][:2])
    assert done.returncode == 78
    assert "RSA" in done.stderr and "1024" in done.stderr and "2048" in done.stderr


def test_a_pair_that_no_client_can_use_is_refused(workspace, made):
    """TLS 1.3 has no signature for its curve: well formed, and no handshake comes about."""
    done = check(workspace, *made["EC secp256k1"][:2])
    assert done.returncode == 78
    assert "no client can make a connection" in done.stderr


@pytest.mark.parametrize("kind", ["RSA", "EC P-384", "ED25519", "EC", "RSA 1024", "EC secp256k1"])
def test_a_reload_with_a_bad_pair_keeps_the_old_one_and_says_so(begin, own_certificates, made, kind):  # noqa: F811
    gate = begin(own_certificates, "--sandbox")
    old = serial_of(gate)
    # The certificate stays, the key is another; or the pair fits and is useless.
    if kind in ("RSA 1024", "EC secp256k1"):
        shutil.copy(made[kind][0], own_certificates.certificate)
    shutil.copy(made[kind][1], own_certificates.key)
    assert "tls_cert" in reload(gate, "^Not reloaded")
    assert serial_of(gate) == old
    gate.stop()


# Chains


def warnings_of(workspace, directory, key, *parts):
    (directory / "served.pem").write_text("".join(parts))
    done = check(workspace, directory / "served.pem", key, HF_TOKEN="hf_x")
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_whole_chain_is_good_with_its_root_or_where_the_root_is_beside_it(workspace, chain):
    directory, root, middle, leaf, key = chain
    assert warnings_of(workspace, directory, key, leaf, middle.pem, root.pem) == ""
    (directory / "ca.pem").write_text(root.pem)
    assert warnings_of(workspace, directory, key, leaf, middle.pem) == ""
    (directory / "ca.pem").unlink()


def test_a_chain_that_lacks_its_intermediate_is_a_warning_that_names_it(workspace, chain):
    directory, _, _, leaf, key = chain
    warning = warnings_of(workspace, directory, key, leaf)
    assert "lack an intermediate" in warning and "middle" in warning


def test_an_authority_beside_it_that_has_not_signed_it_changes_nothing(workspace, chain):
    directory, root, _, leaf, key = chain
    (directory / "ca.pem").write_text(root.pem)
    assert "lack an intermediate" in warnings_of(workspace, directory, key, leaf)
    (directory / "ca.pem").unlink()


def test_a_chain_in_the_wrong_order_is_a_warning_or_if_the_leaf_is_not_first_an_error(workspace, chain):
    directory, root, middle, leaf, key = chain
    assert "not in order" in warnings_of(workspace, directory, key, leaf, root.pem, middle.pem)
    (directory / "served.pem").write_text(middle.pem + leaf)
    done = check(workspace, directory / "served.pem", key)
    assert done.returncode == 78
    assert "certificate 2" in done.stderr and "first" in done.stderr


@pytest.mark.parametrize(("days", "words"), [((-9, -1), "has expired"), ((1, 9), "not valid yet")], ids=["expired", "early"])
def test_an_intermediate_out_of_its_time_is_a_warning_that_names_it(workspace, tmp_path, chain, days, words):
    root = Authority(tmp_path, "root")
    middle = Authority(tmp_path, "middle", root, days)
    key = make_key(tmp_path, "leaf", "EC")
    leaf = issue(tmp_path, "leaf", key, middle, LEAF).read_text()
    warning = warnings_of(workspace, tmp_path, key, leaf, middle.pem, root.pem)
    assert words in warning and "middle" in warning


def test_a_certificate_that_cannot_be_read_behind_a_good_one_is_refused(workspace, chain):
    directory, _, _, leaf, key = chain
    (directory / "served.pem").write_text(leaf + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    done = check(workspace, directory / "served.pem", key)
    assert done.returncode == 78 and "not a PEM certificate chain" in done.stderr


def test_the_warning_is_in_the_log_at_the_start_and_at_a_reload(begin, chain):  # noqa: F811
    directory, _, _, leaf, key = chain
    served = directory / "leaf-only"
    served.mkdir()
    (served / "cert.pem").write_text(leaf)
    shutil.copy(key, served / "key.pem")
    certificates = Certificates(served)
    # For the client, which needs a file of that name; the issuer is not in it.
    (served / "ca.pem").write_text(chain[1].pem)
    gate = begin(certificates, "--sandbox")

    def warned():
        return len([message for message in gate.messages if "lack an intermediate" in message])

    # It listens before it warns.
    assert wait_until(lambda: warned() == 1, 10)
    reload(gate)
    assert wait_until(lambda: warned() == 2, 10)
    gate.kill()
