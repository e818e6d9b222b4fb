"""Ask clamd about a file, over its own socket protocol (INSTREAM). Used by screening only."""

from __future__ import annotations

import socket
import struct
from typing import IO

from django.conf import settings

from secondop.jobs.models import TemporaryFailure

BLOCK_BYTES = 256 * 1024
PATIENCE_SECONDS = 120


def scan(file: IO[bytes]) -> str:
    """Return "clean", "infected", "too large" or "not scanned" (no clamd is configured).

    Raises: TemporaryFailure when clamd is configured and does not answer: a file is never let
    through because the scanner happens to be down.
    """
    if not settings.CLAMD_ADDRESS:
        return "not scanned"
    try:
        with _connect(settings.CLAMD_ADDRESS) as clamd:
            answer = _stream(clamd, file)
    except OSError:
        raise TemporaryFailure("antivirus_unreachable") from None
    if answer.endswith(b"FOUND"):
        return "infected"
    if answer.endswith(b"OK"):
        return "clean"
    if b"size limit" in answer:
        return "too large"
    raise TemporaryFailure("antivirus_failed")


def _connect(address: str) -> socket.socket:
    """`unix:/run/clamd.sock` or `tcp:host:port`."""
    scheme, _colon, rest = address.partition(":")
    if scheme == "unix":
        clamd = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            clamd.settimeout(PATIENCE_SECONDS)
            clamd.connect(rest)
        except OSError:
            clamd.close()
            raise
        return clamd
    host, _colon, port = rest.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def _stream(clamd: socket.socket, file: IO[bytes]) -> bytes:
    clamd.sendall(b"zINSTREAM\0")
    try:
        while block := file.read(BLOCK_BYTES):
            clamd.sendall(struct.pack("!L", len(block)) + block)
        clamd.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # clamd stops reading when its limit is reached, and says so
    return clamd.recv(4096).rstrip(b"\0\n")
