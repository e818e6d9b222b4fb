"""What media type the client wants. Read leniently: viewers quote, repeat and invent parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from django.http import HttpRequest

DICOM_JSON = "application/dicom+json"
DICOM = "application/dicom"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/related"
_PARTS = re.compile(r'(?:[^,"]|"[^"]*")+')
_PARAMETERS = re.compile(r';\s*([A-Za-z-]+)\s*=\s*("[^"]*"|[^;,]*)')


class NotAcceptable(Exception):
    """Nothing the client would take can be given: 406."""


@dataclass(frozen=True)
class Wanted:
    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def inner(self) -> str:
        """The type of the parts of a multipart answer; of a single part the type itself."""
        if self.media_type == MULTIPART:
            return self.parameters.get("type", "*/*").lower()
        return self.media_type


@lru_cache(maxsize=64)  # a viewer says the same with each frame
def parse(header: str) -> tuple[Wanted, ...]:
    """The media types of an Accept header, the most wanted first. Nonsense is left out."""
    found: list[tuple[float, Wanted]] = []
    for part in _PARTS.findall(header[:4000]):
        media_type = part.partition(";")[0].strip().lower()
        if not re.fullmatch(r"[a-z0-9.+*-]+/[a-z0-9.+*-]+", media_type):
            continue
        parameters = {k.lower(): v.strip().strip('"') for k, v in _PARAMETERS.findall(part)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        if quality > 0:
            found.append((quality, Wanted(media_type, parameters)))
    found.sort(key=lambda pair: -pair[0])
    return tuple(wanted for _quality, wanted in found)


def wanted(request: HttpRequest) -> tuple[Wanted, ...]:
    """From the `accept` query parameter or the header; with neither, anything."""
    asked = request.META.get("QUERY_STRING") and request.GET.get("accept")
    header = asked or request.META.get("HTTP_ACCEPT") or "*/*"
    return parse(header) or (Wanted("*/*"),)


def covers(pattern: str, media_type: str) -> bool:
    return pattern in ("*/*", media_type) or pattern == media_type.partition("/")[0] + "/*"


def choose(request: HttpRequest, *offers: str) -> str:
    """The first offer the client takes, in the order of its wishes. Raises NotAcceptable."""
    for want in wanted(request):
        for offer in offers:
            if covers(want.media_type, offer):
                return offer
    raise NotAcceptable


def wants_multipart(request: HttpRequest, *types: str) -> bool:
    """Whether to wrap the bare type in multipart/related. Raises NotAcceptable."""
    for want in wanted(request):
        if want.media_type == "*/*" or want.media_type == "multipart/*":
            return True
        if any(covers(want.inner, media_type) for media_type in types):
            return want.media_type == MULTIPART
    raise NotAcceptable
