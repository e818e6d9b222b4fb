"""How this edge answers: exact status codes as JSON, private caching, never a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)

from records.dicom.packs import Damaged
from records.dicom.wiping import CannotBeWiped
from secondop.api.dicomweb import multipart
from secondop.api.dicomweb.accept import DICOM_JSON, NotAcceptable
from secondop.api.dicomweb.multipart import Malformed
from secondop.api.dicomweb.query import BadQuery
from secondop.lib.verdicts import Refused

View = Callable[..., HttpResponseBase]
PRIVATE = "private, no-cache"  # may be kept by the browser, and asked about each time
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def edge(view: View) -> View:
    """Turn what may go wrong into the status code of PS3.18, with a short JSON sentence."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = failure(404, "Not found.")
        except BadQuery:
            response = failure(400, "A query key or value is not valid.")
        except Malformed:
            response = failure(400, "The body is not multipart/related as announced.")
        except NotAcceptable:
            response = failure(406, "None of the accepted media types can be given.")
        except CannotBeWiped:
            response = failure(406, "A sealed review cannot show images of this form.")
        except Damaged:
            response = failure(410, "Our copy of these images is damaged and was set aside.")
        except Refused as refused:
            response = failure(refused.status, refused.reason)
        response.headers.setdefault("Cache-Control", PRIVATE)
        # SECURITY: by the short way or the long, the same answer to the last header.
        response.headers.setdefault("Vary", "Accept, Accept-Encoding, Accept-Language, Cookie")
        response["Content-Language"] = "en"
        response.headers.setdefault("X-Frame-Options", "DENY")
        if isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answering


def failure(status: int, text: str) -> HttpResponse:
    body = json.dumps({"message": text})
    return HttpResponse(body, status=status, content_type="application/json")


def dicom_json(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type=DICOM_JSON)


def in_parts(
    each: Iterable[tuple[str, str, Iterable[bytes]]], media_type: str, *, size: int | None = None
) -> StreamingHttpResponse:
    """multipart/related with a part for each (content type, location, blocks)."""
    boundary = multipart.new_boundary()
    response = StreamingHttpResponse(multipart.parts(boundary, each))
    bare = media_type.partition(";")[0]
    response["Content-Type"] = f'multipart/related; type="{bare}"; boundary={boundary}'
    if size is not None:
        response["Content-Length"] = str(size)
    return response


def is_unchanged(request: HttpRequest, etag: str) -> bool:
    sent = request.META.get("HTTP_IF_NONE_MATCH", "")
    return f'"{etag}"' in [tag.strip().removeprefix("W/") for tag in sent.split(",")]


def unchanged(etag: str) -> HttpResponse:
    response = HttpResponse(status=304)
    response["ETag"] = f'"{etag}"'
    return response
