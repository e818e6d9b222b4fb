"""A small FHIR R4 server with SMART App Launch, on a free port, that can be told to misbehave.

No package brings a FHIR server without Java or Docker. It keeps to what a client may rely on: the
configuration, a sign-in page, codes that work once and only with their verifier, searches by
patient in pages, Binary as bytes or as a resource, OperationOutcome for whatever it refuses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from django.conf import settings

from bench.records_in import DATA

CLIENT = "second-op"
BACK = "/records/hospital-records/signed-in/"
JSON = "application/fhir+json"


@dataclass
class Trick:
    """Answer the next `times` questions whose address contains `match` in this way."""

    match: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass
class Hospital:
    """What the server knows, and a list of what it was asked."""

    patient: str = "pat-1"
    resources: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # Binary id -> type, bytes
    tricks: list[Trick] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)  # what came to the token endpoint
    tokens: set[str] = field(default_factory=set)
    refreshes: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    page_size: int = 10
    gives_refresh: bool = False
    names_patient: bool = True
    has_configuration: bool = True
    capabilities: tuple[str, ...] = ("permission-v1", "launch-standalone")
    client_secret: str = ""
    loops: str = ""  # a kind whose pages go round
    next_at: str = ""  # where the next page is said to be, instead of here
    wraps_files: bool = False
    issuer: str = ""
    on_ask: Any = None  # called with the address before each answer of FHIR
    address: str = ""

    @property
    def base(self) -> str:
        return f"{self.address}/r4"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["resourceType"] == kind]

    def expire(self) -> None:
        self.tokens.clear()

    def trick(self, match: str, status: int, **more: Any) -> Trick:
        self.tricks.append(trick := Trick(match, status, **more))
        return trick


@contextmanager
def hospital(**told: Any) -> Iterator[Hospital]:
    one = Hospital(**told)
    handler = type("OfHospital", (_Handler,), {"hospital": one})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    one.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hospital: Hospital

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: bytes, media_type: str = JSON, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self, told: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(told).encode())

    def refuse(self, status: int, words: str) -> None:
        self.tell({"resourceType": "OperationOutcome",
                   "issue": [{"severity": "error", "code": "forbidden", "diagnostics": words}]},
                  status)  # fmt: skip

    def do_GET(self) -> None:
        it, parts = self.hospital, urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/authorize":
            return self.sign_in_page(query)
        it.asked.append(self.path)
        if it.on_ask:
            it.on_ask(self.path)
        for trick in it.tricks:
            if trick.times and trick.match in self.path:
                trick.times -= 1
                if trick.body is None and trick.status >= 400:
                    self.send_response(trick.status)
                    for name, value in trick.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                more = {k.replace("-", "_"): v for k, v in trick.headers.items()}
                return self.answer(trick.status, trick.body or b"", **more)
        if parts.path == "/r4/.well-known/smart-configuration":
            return self.configuration()
        if parts.path == "/r4/metadata":
            return self.tell(self.statement())
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in it.tokens:
            return self.refuse(401, "The token has expired.")
        return self.fhir(parts.path.removeprefix("/r4/"), query)

    def configuration(self) -> None:
        it = self.hospital
        if not it.has_configuration:
            return self.refuse(404, "Nothing here.")
        return self.tell({
            "authorization_endpoint": f"{it.address}/authorize",
            "token_endpoint": f"{it.address}/token", "issuer": it.issuer or it.base,
            "capabilities": list(it.capabilities), "code_challenge_methods_supported": ["S256"],
        })  # fmt: skip

    def statement(self) -> dict[str, Any]:
        urls = [{"url": name, "valueUri": f"{self.hospital.address}/{name}"}
                for name in ("authorize", "token")]  # fmt: skip
        where = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
        security = {"extension": [{"url": where, "extension": urls}]}
        return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
                "rest": [{"mode": "server", "security": security}]}  # fmt: skip

    # --- sign-in -----------------------------------------------------------------------------
    def wrong_launch(self, query: dict[str, str]) -> str:
        wanted = {"response_type": "code", "client_id": CLIENT, "aud": self.hospital.base,
                  "code_challenge_method": "S256",
                  "redirect_uri": f"{settings.SITE_URL}{BACK}"}  # fmt: skip
        wrong = [name for name, value in wanted.items() if query.get(name) != value]
        lacking = [name for name in ("state", "code_challenge", "scope") if not query.get(name)]
        return ", ".join(wrong + lacking)

    def sign_in_page(self, query: dict[str, str]) -> None:
        if wrong := self.wrong_launch(query):
            return self.answer(400, f"wrong: {wrong}".encode(), "text/plain")
        hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">'
                         for k, v in query.items())  # fmt: skip
        page = f"""<!doctype html><html lang="en"><title>St. Anna: sign in</title><h1>St. Anna</h1>
        <form method="post" action="/authorize">{hidden}
        <label>User <input name="user"></label><label>Password <input type="password"></label>
        <button name="does" value="yes">Allow SecondOp to read my records</button>
        <button name="does" value="no">Do not allow</button></form></html>"""
        return self.answer(200, page.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
        if self.path == "/authorize":
            return self.go_back(form)
        return self.token(form)

    def go_back(self, form: dict[str, str]) -> None:
        told = {"state": form["state"]}
        if form.get("does") == "yes":
            told["code"] = new_code(self.hospital, form)
        else:
            told["error"] = "access_denied"
        self.answer(302, b"", Location=f"{form['redirect_uri']}?{urlencode(told)}")

    def token(self, form: dict[str, str]) -> None:
        it = self.hospital
        it.forms.append(form | {"authorization": self.headers.get("Authorization", "")})
        for trick in it.tricks:
            if trick.times and trick.match in self.path:
                trick.times -= 1
                return self.tell({"error": "server_error"}, trick.status)
        if wrong := self.wrong_form(form):
            return self.tell({"error": wrong}, 401 if wrong == "invalid_client" else 400)
        it.tokens.add(access := secrets.token_urlsafe(16))
        told = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if it.names_patient:
            told["patient"] = it.patient
        if it.gives_refresh:
            it.refreshes.add(refresh := secrets.token_urlsafe(16))
            told["refresh_token"] = refresh
        return self.tell(told)

    def wrong_form(self, form: dict[str, str]) -> str:
        it = self.hospital
        if it.client_secret:
            basic = base64.b64encode(f"{CLIENT}:{it.client_secret}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {basic}":
                return "invalid_client"
        elif form.get("client_id") != CLIENT:
            return "invalid_client"
        if form.get("grant_type") == "refresh_token":
            return "" if form.get("refresh_token") in it.refreshes else "invalid_grant"
        launch = it.codes.pop(form.get("code", ""), {})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_right = launch.get("code_challenge") == challenge
        same_place = launch.get("redirect_uri") == form.get("redirect_uri")
        return "" if is_right and same_place else "invalid_grant"

    # --- FHIR --------------------------------------------------------------------------------
    def fhir(self, path: str, query: dict[str, str]) -> None:
        it = self.hospital
        kind, _slash, number = path.partition("/")
        if kind == "Binary":
            return self.binary(number)
        if number:
            found = [one for one in it.of(kind) if one["id"] == number]
            return self.tell(found[0]) if found else self.refuse(404, "Not known.")
        if kind == "Patient":
            return self.tell(self.bundle(self.people(query), ""))
        found = [one for one in it.of(kind) if self.matches(one, query)]
        first = int(query.get("at", 0))
        size = min(it.page_size, int(query.get("_count", 100)))
        following = first + size
        link = ""
        if following < len(found) or it.loops == kind:
            following = 0 if it.loops == kind and following >= len(found) else following
            root = it.next_at or it.base
            link = f"{root}/{kind}?{urlencode(query | {'at': following})}"
        page = found[first : first + size]
        if "_include" in query:
            wanted = {str((one.get("medicationReference") or {}).get("reference")) for one in page}
            page = page + [m for m in it.of("Medication") if f"Medication/{m['id']}" in wanted]
        return self.tell(self.bundle(page, link))

    def people(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [
            one for one in self.hospital.of("Patient")
            if one.get("birthDate") == query.get("birthdate")
            and query.get("name", "").lower() in json.dumps(one["name"]).lower()
        ]  # fmt: skip

    def matches(self, one: dict[str, Any], query: dict[str, str]) -> bool:
        if one.get("_of", self.hospital.patient) != query.get("patient"):
            return False
        wanted = query.get("category")
        codes = [c.get("code") for k in one.get("category") or [] if isinstance(k, dict)
                 for c in k.get("coding") or []]  # fmt: skip
        return wanted is None or wanted in codes

    @staticmethod
    def bundle(resources: list[dict[str, Any]], following: str) -> dict[str, Any]:
        links = [{"relation": "next", "url": following}] if following else []
        return {"resourceType": "Bundle", "type": "searchset", "link": links,
                "entry": [{"resource": {k: v for k, v in one.items() if k != "_of"}}
                          for one in resources]}  # fmt: skip

    def binary(self, number: str) -> None:
        if number not in self.hospital.files:
            return self.refuse(404, "This file is gone.")
        media_type, content = self.hospital.files[number]
        if not self.hospital.wraps_files:
            return self.answer(200, content, media_type)
        data = base64.b64encode(content).decode()
        return self.tell({"resourceType": "Binary", "id": number, "contentType": media_type,
                          "data": data})  # fmt: skip


def new_code(it: Hospital, launch: dict[str, str]) -> str:
    """What the sign-in page gives when the patient says yes."""
    code = secrets.token_urlsafe(16)
    it.codes[code] = launch
    return code


def synthea(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Patient and resources of one Synthea bundle, with addresses as a server would give them."""
    path = next((DATA / "fhir" / "r4-synthea").glob(f"{name}*.json"))
    text = path.read_text()
    bundle = json.loads(text)
    for entry in bundle["entry"]:
        one = entry["resource"]
        text = text.replace(f'"urn:uuid:{one["id"]}"', f'"{one["resourceType"]}/{one["id"]}"')
    resources = [entry["resource"] for entry in json.loads(text)["entry"]]
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    return patient, resources
