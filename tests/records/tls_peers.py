"""A DICOMweb peer that misbehaves, over TLS with certificates of its own. For tests only."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Made = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def certificate(name: str, *, signed_by: Made | None = None) -> Made:
    """For a host of this name; an authority of its own without `signed_by`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
    )
    return made.sign(signer, hashes.SHA256()), key


def pem(made: Made) -> str:
    return made[0].public_bytes(serialization.Encoding.PEM).decode()


class Tricky(BaseHTTPRequestHandler):
    """QIDO and WADO of one study; `server.objects` are what it has, `server.way` what it does."""

    server: Any

    def do_GET(self) -> None:
        path, way, objects = self.path.partition("?")[0], self.server.way, self.server.objects
        if path.endswith("/studies"):
            self._json([])
        elif path.endswith("/instances"):
            rows = [{"00080018": {"vr": "UI", "Value": [uid]},
                     "0020000E": {"vr": "UI", "Value": [series]}}
                    for uid, series, _raw in objects]  # fmt: skip
            self._json([] if "offset=0" not in self.path else rows)
        elif way == "breaks" and not self.server.asked:
            self.server.asked = True
            self.send_error(500)
        else:
            self._parts([raw for uid, _s, raw in objects if uid in path or "instances" not in path])

    def _json(self, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _parts(self, objects: list[bytes]) -> None:
        head = b"--cut\r\nContent-Type: application/dicom\r\n\r\n"
        body = b"".join(head + raw + b"\r\n" for raw in objects) + b"--cut--\r\n"
        if self.server.way == "half":
            body = head + objects[0] + b"\r\n--cut--\r\n"
        kind = 'multipart/related; type="application/dicom"; boundary=cut'
        if self.server.way == "plain":  # another kind than was asked for
            kind, body = "application/dicom", objects[0]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.way == "cuts"
        self.wfile.write(body[: len(body) * 3 // 4] if cut else body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def tricky(folder: Path, made: Made | None = None) -> Iterator[Any]:
    """Yield the server; `server.address` is what a peer is set up with."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Tricky)
    server.way, server.objects, server.asked = "", [], False
    scheme = "http"
    if made:
        scheme, file = "https", folder / f"{made[0].serial_number}.pem"
        private = made[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )  # fmt: skip
        file.write_bytes(pem(made).encode() + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.handle_error = lambda *_: None  # clients that do not trust it hang up
    server.address = f"{scheme}://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
