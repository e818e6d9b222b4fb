"""Files that reports and letters point to: fetched one by one, from the same server alone."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from records.ehr import packing
from records.ehr.client import NotGiven, TooLarge, plain
from records.ehr.searches import FILE
from records.models import EhrPage
from secondop.jobs.models import TemporaryFailure
from secondop.lib.storage import new_key

if TYPE_CHECKING:
    from records.ehr.running import Run

MAX_FILES = 500
GIVE_UP_AT = 4  # looking was the first attempt: a file is left out at the third copying
MAX_INSIDE = 64 * 1024**2  # a Binary as JSON is read whole; a file as it is, is not


def fetch(one: Run) -> None:
    """Bring what is not here yet. One file that cannot be had does not hold up the others."""
    here = set(one.pull.pages.filter(search=FILE).values_list("mark", flat=True))
    for told in wanted(one):
        if told["mark"] in here:
            continue
        if len(here) >= MAX_FILES:
            _keep(one, told, None, problem="too_much")
            return
        here.add(told["mark"])
        _fetch_one(one, told)


def wanted(one: Run) -> Iterator[dict[str, str]]:
    """Every attachment that is an address: mark, url, type, title, code, on, search."""
    for search in ("DiagnosticReport", "DocumentReference"):
        for resource in packing.resources_of(one.pull, search):
            if search == "DiagnosticReport":
                named, forms = resource.get("code"), resource.get("presentedForm")
                when = resource.get("effectiveDateTime") or resource.get("issued")
            else:
                named, when = resource.get("type"), resource.get("date")
                forms = [(c or {}).get("attachment") for c in resource.get("content") or []]
            if resource.get("status") == "entered-in-error":
                continue
            for form in forms or []:
                if isinstance(form, dict) and form.get("url") and not form.get("data"):
                    yield _told(one, search, resource, named, form, str(when or ""))


def _told(
    one: Run, search: str, resource: dict[str, Any], named: Any, form: dict[str, Any], when: str
) -> dict[str, str]:
    concept = named if isinstance(named, dict) else {}
    codings = [c for c in concept.get("coding") or [] if isinstance(c, dict)]
    loinc = [c for c in codings if c.get("system") == "http://loinc.org"]
    words = concept.get("text") or next((c["display"] for c in codings if c.get("display")), "")
    title = form.get("title") or resource.get("description") or words
    url = one.fhir.within(str(form["url"]))
    return {
        "url": url, "search": search, "type": str(form.get("contentType") or ""),
        "mark": hashlib.sha256((url or str(form["url"])).encode()).hexdigest(),
        "title": plain(str(title or ""), 200), "on": str(form.get("creation") or when)[:10],
        "code": str(loinc[0].get("code") or "")[:40] if loinc else "",
    }  # fmt: skip


def _fetch_one(one: Run, told: dict[str, str]) -> None:
    if not told["url"]:
        return _keep(one, told, None, problem="elsewhere")
    with TemporaryFile(prefix="ehr-file-") as file:

        def question() -> str:
            file.seek(0)
            file.truncate()
            return one.fhir.save(told["url"], told["type"], file)

        try:
            media_type = one.ask(question)
        except NotGiven as no:
            return _keep(one, told, None, problem="file_missing", said=no.said)
        except TooLarge:
            return _keep(one, told, None, problem="file_too_large")
        except TemporaryFailure as failure:
            if one.pull.attempts < GIVE_UP_AT or str(failure) != "peer_fails":
                raise
            return _keep(one, told, None, problem="file_missing")
        _unwrap(file, media_type)
        return _keep(one, told, file)


def _unwrap(file: IO[bytes], media_type: str) -> None:
    """A server may give a Binary resource where its bytes were asked for: take the bytes out."""
    size = file.tell()
    file.seek(0)
    if "json" not in media_type.lower() or size > MAX_INSIDE:
        return
    try:
        told = json.loads(file.read())
        if not isinstance(told, dict) or told.get("resourceType") != "Binary":
            return
        content = b64decode(str(told.get("data") or ""))
    except (ValueError, RecursionError):
        return
    file.seek(0)
    file.truncate()
    file.write(content)


def _keep(
    one: Run, told: dict[str, str], file: IO[bytes] | None, *, problem: str = "", said: str = ""
) -> None:
    size, key, digest = 0, "", ""
    if file is not None:
        size = file.seek(0, 2)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        file.seek(0)
        if size:
            key = default_storage.save(new_key("documents"), File(file))
    kept = {name: told[name] for name in ("search", "title", "code", "on")} | {"sha256": digest}
    try:
        with transaction.atomic():
            one.pull.heartbeat()
            EhrPage.objects.create(
                clinic_id=one.pull.case_file.clinic_id, case_file_id=one.pull.case_file_id,
                pull=one.pull, search=FILE, mark=told["mark"], key=key, size_bytes=size,
                entry_count=1 if key else 0, told=kept, said=said,
                problem=problem or ("" if key else "file_missing"),
            )  # fmt: skip
    except BaseException:
        if key:
            default_storage.delete(key)
        raise
