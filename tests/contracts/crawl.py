"""Ask every declared route for everything, as one person, and keep each answer to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from secondop.lib.routes import SIGNED_IN, declared_routes
from tests.contracts.worlds import NOW, World, fixed_ids

Answers = dict[tuple[str, str], tuple[int, tuple[tuple[str, str], ...], bytes]]
SEARCHES = ("canary", "lymphoma", "breast", "C81", "haemoglobin", "")
LINK = re.compile(rb'(?:href|src|action|hx-get|hx-post|data-autosave-url)="([^"#]*)')
# Leaving or changing the own account says nothing about a case, and ends the crawl.
# Pictures are decoded in a process of their own; one of each kind is enough.
IMAGE_ENDS = ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/00081140")
NOT_FOLLOWED = re.compile(r"^/(static|account)/|^https?:|^mailto:|^tel:")


def patterns() -> dict[str, str]:
    """Return route name -> its pattern, for example `reviews/<uuid:pk>/`."""
    found: dict[str, str] = {}

    def walk(resolver: URLResolver, before: str, space: str) -> None:
        for entry in resolver.url_patterns:
            here = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                walk(entry, here, inner)
            elif isinstance(entry, URLPattern) and entry.name:
                found[space + entry.name] = here

    walk(get_resolver(), "", "")
    return found


def addresses(world: World, only: str = "") -> Iterable[str]:
    """Every declared route with every id that may be there."""
    known, routes = patterns(), declared_routes()
    for name in sorted(routes):
        if not name.startswith(only) or name not in known:
            continue
        pattern = "/" + known[name]
        if name.startswith("specialists:"):
            ids = world.ids
        else:  # rows of the case in hand, clear, sealed and missing, on everybody's routes
            ids = world.few if routes[name].who & {SIGNED_IN, "specialist"} else world.few[:2]
        if "<uuid:" not in pattern:
            yield re.sub(r"<[^>]+>", "1", pattern)
            continue
        for pk in ids:
            yield re.sub(r"<[^>]+>", "1", re.sub(r"<uuid:[^>]+>", pk, pattern))


def odd_addresses(world: World) -> Iterable[str]:
    """Mistakes and guesses: the answer to them is an answer too."""
    review = f"/reviews/{world.referral.pk}"
    yield from ("/nowhere/", "/reviews/1/", "/reviews/00000000-0000-4000-8000-000000000000/")
    yield from (f"{review}/case-file/?document={pk}" for pk in world.ids)
    yield f"{review}/revise/?field=plan"
    yield from (f"/reviews/?q={word}&order=diagnosis" for word in SEARCHES)


def image_addresses(crawler: Crawler) -> Iterable[str]:
    """Everything under DICOMweb, found as a viewer finds it: studies, series, instances, frames."""
    for case_file in crawler.world.cases:
        root = f"/case-files/{case_file}/dicom-web"
        yield f"{root}/series?includefield=all"
        yield f"{root}/instances?includefield=all"
        yield f"{root}/studies?StudyDescription=*canary*&includefield=all"
        for study in crawler.found(f"{root}/studies?includefield=all", "0020000D"):
            one = f"{root}/studies/{study}"
            yield from (one + end for end in ("", "/metadata"))
            yield f"{one}/instances?includefield=all"
            for series in crawler.found(f"{one}/series?includefield=all", "0020000E"):
                inner = f"{one}/series/{series}"
                yield from (inner + end for end in ("", "/metadata", "/thumbnail"))
                for instance in crawler.found(f"{inner}/instances", "00080018"):
                    at = f"{inner}/instances/{instance}"
                    yield from (at + end for end in IMAGE_ENDS)


class Crawler:
    def __init__(self, world: World) -> None:
        self.world, self.answers = world, dict[tuple[str, str], Any]()
        self.shapes: set[str] = set()  # routes whose OPTIONS were asked
        self.client = Client(raise_request_exception=False, headers={"Accept": "text/html"})
        self.client.force_login(world.reader)

    def run(self, *, only: str = "", with_images: bool = False) -> Answers:
        todo = [*addresses(self.world, only), *odd_addresses(self.world)]
        while todo:
            url = todo.pop(0)
            if ("GET", url) in self.answers:
                continue
            status, _headers, body = self.ask("GET", url)
            if status < 300:
                todo += [link for link in links(body) if not NOT_FOLLOWED.match(link)]
                self.ask("HEAD", url)
            if (shape := re.sub(r"[0-9a-f-]{36}", "*", url.split("?")[0])) not in self.shapes:
                self.shapes.add(shape)
                self.ask("OPTIONS", url)
        if with_images or not only:
            for url in image_addresses(self):
                self.ask("GET", url)
        if not only:
            self.post_everything()
        return self.answers

    def found(self, url: str, tag: str) -> list[str]:
        """The UIDs that one search of DICOMweb tells this person."""
        status, _headers, body = self.ask("GET", url)
        return [row[tag]["Value"][0] for row in json.loads(body)] if status == 200 else []

    def post_everything(self) -> None:
        """Each POST is undone: the next one finds the world as it was."""
        routes, known = declared_routes(), patterns()
        for name in sorted(routes):
            if "POST" not in routes[name].methods or name not in known:
                continue
            if not routes[name].who & {SIGNED_IN, "specialist"}:
                continue
            for url in addresses(self.world, name):
                if not url.startswith("/account/") and is_about(url, self.world.few):
                    self.ask("POST", url)
        for word in SEARCHES:
            self.ask("POST", f"/records/icd10/?{word}", {"q": word})

    def ask(self, method: str, url: str, data: dict[str, str] | None = None) -> Any:
        with transaction.atomic():
            edge = {"Accept": "*/*"} if "/dicom-web/" in url else None
            answer = getattr(self.client, method.lower())(url, data or {}, headers=edge)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            for close in answer._resource_closers:  # not close(): it would end the connection
                close()
            if method == "POST":
                transaction.set_rollback(True)
        headers = tuple(sorted((k.lower(), _steady(k, v, url)) for k, v in answer.items()))
        cookies = tuple(("set-cookie", name) for name in sorted(answer.cookies))
        self.answers[method, url] = (answer.status_code, headers + cookies, body)
        return self.answers[method, url]


def _steady(name: str, value: str, url: str) -> str:
    """An ETag of an image is the random id of its row: every world has another one."""
    is_image = name.lower() == "etag" and "/dicom-web/" in url
    return re.sub("[0-9a-f]", "e", value) if is_image else value


def is_about(url: str, ids: list[str]) -> bool:
    """Whether the address names one of the ids, or none at all."""
    return any(pk in url for pk in ids) or not re.search(r"[0-9a-f]{8}-", url)


def links(body: bytes) -> list[str]:
    found = [link.decode().replace("&amp;", "&") for link in LINK.findall(body)]
    return [link for link in found if link.startswith("/")]


def crawl(world: World, monkeypatch: Any, *, only: str = "", with_images: bool = False) -> Answers:
    """Return (method, address) -> status, headers, body, with clock and tokens stopped."""
    cache.clear()
    with monkeypatch.context() as stopped:
        stopped.setattr(timezone, "now", lambda: NOW)
        stopped.setattr("django.utils.cache.time", SimpleNamespace(time=NOW.timestamp))
        # A session is written anew once a minute, and a crawl may take longer.
        ours = SimpleNamespace(time=NOW.timestamp)
        stopped.setattr("secondop.accounts.middleware.time", ours)
        stopped.setattr("secondop.api.dicomweb.multipart.new_boundary", lambda: "b" * 32)
        stopped.setattr("django.middleware.csrf._get_new_csrf_string", lambda: "t" * 32)
        with fixed_ids("crawl "):  # what is made when it is first asked for: headers, pictures
            return Crawler(world).run(only=only, with_images=with_images)


def differences(one: Answers, other: Answers) -> dict[tuple[str, str], str]:
    """Return what differs, with the first differing piece of each answer."""
    found = {}
    for key in sorted(set(one) | set(other)):
        if one.get(key) != other.get(key):
            found[key] = _first_difference(one.get(key), other.get(key))
    return found


def _first_difference(one: Any, other: Any) -> str:
    if one is None or other is None:
        return "asked in one world only"
    if one[:2] != other[:2]:
        return f"{one[:2]} / {other[:2]}"[:400]
    pairs = enumerate(zip(one[2], other[2], strict=False))
    place = next((n for n, (a, b) in pairs if a != b), min(len(one[2]), len(other[2])))
    piece = slice(max(0, place - 60), place + 60)
    return f"{one[2][piece]!r} / {other[2][piece]!r}"
