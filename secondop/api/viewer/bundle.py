"""The viewer's own files as `deploy.local.viewer` left them: their names, and serving them.

They are somebody else's program and the same for everybody, so they are served to anybody and kept
by browsers for good: their address changes with their content.
"""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase

# SECURITY: no other host, no eval, nothing framed from outside. OHIF sets style attributes, decodes
# in WebAssembly and in workers, and shows PDF and thumbnails from memory (blob:).
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "connect-src": "'self' blob: data:",
    "object-src": "'self' blob:",
    "frame-src": "'self' blob:",
    "frame-ancestors": "'none'",
    "form-action": "'none'",
    "base-uri": "'none'",
}
# SECURITY: the decoder of slides makes functions out of text (emscripten's embind). It may, within
# a worker of its own: without page, cookies or other scripts, given tiles and giving pixels.
SLIDE_DECODER = "dicom-microscopy-viewer/dataLoader.worker.min.js"
DECODER_POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "connect-src": "'self' data:",
    "frame-ancestors": "'none'",
}
BLOCK_BYTES = 256 * 1024
KEPT = "public, max-age=31536000, immutable"


class NotSetUp(Exception):
    """The viewer's files are not on this machine."""


@dataclass(frozen=True)
class Bundle:
    address: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    names: frozenset[str]  # of everything that may be asked for


def policy(name: str = "") -> str:
    """Of a page of the viewer, or of one of its files."""
    told = DECODER_POLICY if name == SLIDE_DECODER else POLICY
    return "; ".join(f"{part} {value}" for part, value in told.items())


@cache
def bundle() -> Bundle:
    """Raises NotSetUp."""
    folder = Path(settings.VIEWER_DIR)
    try:
        told = json.loads((folder / "viewer.json").read_text())
    except FileNotFoundError:
        raise NotSetUp from None
    files = folder / "files"
    names = (str(p.relative_to(files)) for p in files.rglob("*") if p.is_file())
    return Bundle(told["address"], tuple(told["scripts"]), tuple(told["styles"]), frozenset(names))


@transaction.non_atomic_requests
def asset(request: HttpRequest, version: str, name: str) -> HttpResponseBase:
    """One file of the viewer, compressed when it was compressed at set-up."""
    try:
        known = bundle()
    except NotSetUp:
        raise Http404 from None
    # SECURITY: only names that were found in the folder; nothing of a path is built from others.
    if name not in known.names or not known.address.endswith(f"/{version}/"):
        raise Http404
    path = Path(settings.VIEWER_DIR) / "files" / name
    compressed = f"{name}.gz" in known.names and "gzip" in request.headers.get(
        "Accept-Encoding", ""
    )
    stored = path.with_name(path.name + ".gz") if compressed else path
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = FileResponse(stored.open("rb"), content_type=media_type)
    response.block_size = BLOCK_BYTES
    if compressed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = KEPT
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = policy(name)  # a worker obeys its own script's
    return response
