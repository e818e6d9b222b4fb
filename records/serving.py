"""Send stored bytes to a browser: by range, in small blocks, under a policy for foreign content.

Who may have them is decided by the view; here nothing is asked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import IO
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

BLOCK_BYTES = 256 * 1024
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
SIGNED_SECONDS = 60


class Altered(Exception):
    """Stored bytes are not what their hash says."""


def send(
    request: HttpRequest,
    key: str,
    *,
    size_bytes: int,
    media_type: str,
    etag: str,
    file_name: str = "",
    sha256: str = "",
    on_altered: Callable[[], None] | None = None,
) -> HttpResponseBase:
    """Answer with the object under `key`: whole (200), one range (206) or neither (416).

    `etag` must be random per object: a hash of the content would be a channel. With `sha256` a
    whole answer is checked as it leaves; its last block is held back until the hash is right, so
    that altered bytes never look complete.
    """
    try:
        wanted = _range(request, size_bytes, etag)
    except ValueError:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size_bytes}"
        return _with_headers(response, media_type, etag, file_name)
    if settings.ACCEL_REDIRECT_PREFIX:
        response = HttpResponse()
        response["X-Accel-Redirect"] = accelerated(key)
        return _with_headers(response, media_type, etag, file_name)
    start, end = wanted or (0, size_bytes - 1)
    file = default_storage.open(key, "rb")
    blocks = _blocks(file, start, end - start + 1)
    if sha256 and not wanted:
        blocks = _checked(blocks, sha256, on_altered)
    response = StreamingHttpResponse(blocks, status=206 if wanted else 200)
    # Also when nobody reads the body (HEAD, a client that went away before its first byte).
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    response["Content-Length"] = str(end - start + 1)
    if wanted:
        response["Content-Range"] = f"bytes {start}-{end}/{size_bytes}"
    return _with_headers(response, media_type, etag, file_name)


def _with_headers(
    response: HttpResponseBase, media_type: str, etag: str, file_name: str
) -> HttpResponseBase:
    response["Content-Type"] = media_type or "application/octet-stream"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{etag}"'
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Frame-Options"] = "DENY"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    disposition = content_disposition_header(bool(file_name), file_name)
    if disposition:
        response["Content-Disposition"] = disposition
    return response


def _range(request: HttpRequest, size_bytes: int, etag: str) -> tuple[int, int] | None:
    """The one range asked for, both ends included; None for the whole. Raises ValueError (416)."""
    header = request.headers.get("Range", "")
    expected = request.headers.get("If-Range", "")
    found = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header)
    if not found or found[1] == found[2] == "" or (expected and expected != f'"{etag}"'):
        return None  # several ranges, or another unit: the whole is a right answer
    if found[1] == "":
        start, end = max(0, size_bytes - int(found[2])), size_bytes - 1
        start = size_bytes if found[2].strip("0") == "" else start
    else:
        start = int(found[1])
        end = min(int(found[2]) if found[2] else size_bytes - 1, size_bytes - 1)
    if start > end:
        raise ValueError("range outside the object")
    return start, end


def _blocks(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0 and (block := file.read(min(BLOCK_BYTES, length))):
            length -= len(block)
            yield block


def _checked(
    blocks: Iterator[bytes], sha256: str, on_altered: Callable[[], None] | None
) -> Iterator[bytes]:
    digest, held = hashlib.sha256(), b""
    for block in blocks:
        if held:
            yield held
        digest.update(block)
        held = block
    if digest.hexdigest() != sha256:
        if on_altered:
            on_altered()
        raise Altered
    yield held


def is_intact(key: str, sha256: str) -> bool:
    """Read the whole object and compare. For objects small enough to do so before answering."""
    digest = hashlib.sha256()
    with default_storage.open(key, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == sha256


def accelerated(key: str) -> str:
    """The internal path at which the proxy finds the object: a file, or a signed store address."""
    if not settings.S3_ENDPOINT_URL:
        return f"{settings.ACCEL_REDIRECT_PREFIX}{quote(key)}"
    store = default_storage.connection.meta.client  # type: ignore[attr-defined]
    address = urlsplit(
        store.generate_presigned_url(
            "get_object",
            Params={"Bucket": default_storage.bucket_name, "Key": key},  # type: ignore[attr-defined]
            ExpiresIn=SIGNED_SECONDS,
        )
    )
    return f"{settings.ACCEL_REDIRECT_PREFIX}{address.path.lstrip('/')}?{address.query}"
