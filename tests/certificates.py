"""Certificates for tests, made with the openssl command; `needs_openssl` marks tests that want them."""

import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="needs the openssl command to make a certificate")

_AUTHORITY = """
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate that signs itself. file: for who is to trust it. server: for who shows it, with the key."""

    file: Path
    key: Path
    server: ssl.SSLContext


@contextmanager
def made(*names: str, expired: bool = False) -> Iterator[Made]:
    """Make a certificate for 127.0.0.1 and `names`, hosts or addresses. expired: since 2020."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "own.cnf").write_text(_AUTHORITY)
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        kinds = [("IP" if each[0].isdigit() else "DNS", each) for each in ("127.0.0.1", *names)]
        alternatives = ",".join(f"{kind}:{each}" for kind, each in kinds)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"]
        about = ["-subj", "/CN=desk.example", "-addext", f"subjectAltName={alternatives}"]
        _run(folder, "req", "-new", *key, "-out", "asked.pem", *about)
        until = "20200102000000Z" if expired else "20991231000000Z"
        time = ["-startdate", "20200101000000Z", "-enddate", until]
        signs = ["-batch", "-config", "own.cnf", "-selfsign", "-keyfile", "key.pem", "-notext"]
        _run(folder, "ca", *signs, "-in", "asked.pem", "-out", "cert.pem", *time)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        yield Made(folder / "cert.pem", folder / "key.pem", context)


def _run(folder: Path, *command: str) -> None:
    subprocess.run([str(OPENSSL), *command], cwd=folder, check=True, capture_output=True)
