"""Ask every declared route for everything, as one person, and keep each answer to the byte.

Each route is asked for an id that is nowhere, and for every id of the kinds of rows it looks up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from records.models import Document
from requests_app.models import Question
from secondop.lib.routes import ANYBODY, SIGNED_IN, declared_routes
from tests.contracts.looked_up import LookedUp
from tests.contracts.still import NOW, fixed_ids
from tests.contracts.worlds import World

Answers = dict[tuple[str, str], tuple[int, tuple[tuple[str, str], ...], bytes]]
SEARCHES = ("canary", "lymphoma", "breast", "C81", "haemoglobin", "")
NOWHERE = "00000000-0000-4000-8000-000000000000"
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


def filled(pattern: str, pk: str) -> str:
    """The address of a pattern: `pk` for each id, 1 for anything else."""
    return "/" + re.sub(r"<[^>]+>", "1", re.sub(r"<uuid:[^>]+>", pk, pattern))


def odd_addresses(world: World, *, is_all: bool) -> Iterable[str]:
    """Mistakes and guesses: the answer to them is an answer too."""
    review = f"/reviews/{world.referral.pk}"
    tables = (Document._meta.db_table, Question._meta.db_table)
    guesses = [pk for table, pk in world.ids if table in tables]
    yield from (f"{review}/case-file/?document={pk}" for pk in (NOWHERE, *guesses))
    if is_all:
        yield from ("/nowhere/", "/reviews/1/", f"/reviews/{NOWHERE}/")
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
        self.shapes: set[tuple[str, str]] = set()  # routes whose HEAD, whose OPTIONS were asked
        self.left_out: list[tuple[str, str, str]] = []  # method, address, the same with NOWHERE
        self.client = Client(raise_request_exception=False, headers={"Accept": "text/html"})
        self.client.force_login(world.reader)

    def run(
        self, *, only: str = "", with_images: bool = False, is_followed: bool = True
    ) -> Answers:
        known, is_all = patterns(), only in {"", "specialists:"}
        todo = [
            url
            for name in sorted(declared_routes())
            if name.startswith(only) and name in known
            for url in self.worth_asking("GET", name, known[name])
        ]
        todo += odd_addresses(self.world, is_all=is_all)
        while todo:
            url = todo.pop(0)
            if ("GET", url) in self.answers:
                continue
            status, _headers, body = self.ask("GET", url)
            if status < 300 and is_followed:
                todo += [link for link in links(body) if not NOT_FOLLOWED.match(link)]
        for url in [url for method, url in self.answers if method == "GET"]:
            self.ask_beside(url)
        if with_images or not only:
            for url in image_addresses(self):
                self.ask("GET", url)
        if not only:
            self.post_everything()
        return self.answers

    def worth_asking(self, method: str, name: str, pattern: str) -> list[str]:
        """The addresses of one route: an id that is nowhere, and each id of the kinds it looks up.

        An id that no query of the route carries, or one of another table, is nowhere to it: the
        answer cannot depend on its row. `left_out` keeps those, and a test asks a sample of them.
        """
        if "<uuid:" not in pattern:
            return [filled(pattern, "")]
        declared, nowhere = declared_routes()[name], filled(pattern, NOWHERE)
        if method not in declared.methods:
            return [nowhere]  # refused before anything is read
        with LookedUp(NOWHERE) as looked_up:
            self.ask(method, nowhere)
        is_let_in = bool(declared.who & {ANYBODY, SIGNED_IN, "specialist"})
        found = [nowhere]
        for table, pk in self.world.ids:
            is_few = is_let_in and not looked_up.tables and pk in self.world.few
            if is_few or table in looked_up.tables:
                found.append(filled(pattern, pk))
            else:
                self.left_out.append((method, filled(pattern, pk), nowhere))
        return found

    def ask_beside(self, url: str) -> None:
        """HEAD of an answer, and OPTIONS, once for each route."""
        shape = re.sub(r"[0-9a-f-]{36}", "*", url.split("?")[0])
        asked = [("OPTIONS", shape)]
        if self.answers["GET", url][0] < 300:
            asked.append(("HEAD", shape))
        for method, _shape in [one for one in asked if one not in self.shapes]:
            self.shapes.add((method, shape))
            self.ask(method, url)

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
            if known[name].startswith("account/"):
                continue
            for url in self.worth_asking("POST", name, known[name]):
                if ("POST", url) not in self.answers:
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


def links(body: bytes) -> list[str]:
    found = [link.decode().replace("&amp;", "&") for link in LINK.findall(body)]
    return [link for link in found if link.startswith("/")]


def crawl(
    world: World, monkeypatch: Any, *, only: str = "", with_images: bool = False,
    is_followed: bool = True, then: Callable[[Crawler], None] | None = None,
) -> Answers:  # fmt: skip
    """Return (method, address) -> status, headers, body, with clock and tokens stopped.

    `then` may ask more, which is not among the answers.
    """
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
            crawler = Crawler(world)
            answers = dict(crawler.run(only=only, with_images=with_images, is_followed=is_followed))
            if then:
                then(crawler)
    return answers


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
