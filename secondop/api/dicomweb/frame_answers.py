"""One frame as an answer: its stored byte range, sent by us or by the proxy. Nothing is asked here.

With `ACCEL_RANGES_PREFIX` (see deploy/nginx/ranges.conf) the proxy sends the bytes by sendfile, and
this process never touches them.
"""

from __future__ import annotations

from itertools import chain
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from records.dicom import packs, retrieval, writer
from records.dicom.pieces import BLOCK_BYTES
from records.dicom.values import NATIVE, frame_type
from secondop.api.dicomweb import accept, multipart
from secondop.api.dicomweb.accept import OCTETS
from secondop.api.dicomweb.answers import is_unchanged, unchanged

JPEG = "image/jpeg"
KEPT = "private, max-age=0, must-revalidate"


def frame_types(transfer_syntax: str) -> tuple[str, str]:
    """The bare media type, and with its transfer syntax."""
    media_type = frame_type(transfer_syntax)
    return media_type, f"{media_type}; transfer-syntax={writer.syntax_written(transfer_syntax)}"


def frame_answer(
    request: HttpRequest,
    pk: UUID,
    key: str,
    transfer_syntax: str,
    place: tuple[int, int],
    *,
    is_sealed: bool,
    pixels: int = 0,
) -> HttpResponseBase:
    """One frame, wrapped or bare as asked. Who may have it was decided by the caller.

    SECURITY: a compressed frame has places for words; a sealed reader gets it with those emptied,
    which the proxy cannot do. `pixels` as in `records.dicom.wiping`.
    """
    media_type, full_type = frame_types(transfer_syntax)
    as_parts = accept.wants_multipart(request, media_type, OCTETS)
    is_wiped = is_sealed and transfer_syntax not in NATIVE
    etag = f"{pk.hex}-{place[0]}-{'m' if as_parts else 's'}{'w' if is_wiped else ''}"
    if is_unchanged(request, etag):
        return unchanged(etag)
    before, after = b"", b""
    if as_parts:
        boundary = multipart.new_boundary()
        before = multipart.part_head(boundary, full_type, request.path)
        after = b"\r\n" + multipart.end(boundary)
        full_type = f'multipart/related; type="{media_type}"; boundary={boundary}'
    response = None if is_wiped else _by_proxy(key, place, before, after)
    if is_wiped:
        blocks = retrieval.frame_blocks(key, place, transfer_syntax, is_sealed=True, pixels=pixels)
        response = HttpResponse(b"".join(chain([before], blocks, [after])))
    response = response or _by_us(key, place, before, after)
    response["Content-Type"] = full_type
    response["ETag"] = f'"{etag}"'
    response["Cache-Control"] = KEPT
    return response


def _by_proxy(
    key: str, place: tuple[int, int], before: bytes, after: bytes
) -> HttpResponseBase | None:
    """Which range the proxy is to send. An object store's signed address is for whole objects."""
    prefix = settings.ACCEL_RANGES_PREFIX
    if not prefix or not packs.is_local():
        return None
    response = HttpResponse()
    order = f"offset={place[0]}&length={place[1]}&before={before.hex()}&after={after.hex()}"
    response["X-Accel-Redirect"] = f"{prefix}{quote(key)}?{order}"
    return response


def _by_us(key: str, place: tuple[int, int], before: bytes, after: bytes) -> HttpResponseBase:
    offset, length = place
    response: HttpResponseBase
    if length <= BLOCK_BYTES:
        body = packs.read(key, offset, length)
        if len(body) != length:
            raise packs.Damaged
        response = HttpResponse(b"".join((before, body, after)))
    else:
        response = StreamingHttpResponse(
            chain([before], packs.blocks(key, offset, length), [after])
        )
    response["Content-Length"] = str(len(before) + length + len(after))
    return response


def picture_answer(request: HttpRequest, pk: UUID, key: str, size_bytes: int) -> HttpResponseBase:
    """A stored JPEG. Who may have it was decided by the caller."""
    if is_unchanged(request, pk.hex):
        return unchanged(pk.hex)
    response = HttpResponse(packs.read(key, 0, size_bytes), content_type=JPEG)
    response["ETag"] = f'"{pk.hex}"'
    response["Cache-Control"] = KEPT
    return response
