"""One run of a pull, in a worker: look where to sign in, then copy. Safe to run again.

Pages and files are kept as they come; only when all of it is here do documents come of it
(`packing`). A later attempt goes on behind the last page that was kept.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest, Now

from records import arrivals, first_doctor, rules
from records.ehr import attached, packing, right_person, smart
from records.ehr.client import (
    PAGE_SIZE,
    Busy,
    Fhir,
    NotGiven,
    SignInEnded,
    connected,
    plain,
)
from records.ehr.searches import BY_NAME, FILE, PATIENT, SEARCHES, Search
from records.ehr.tidying import forget
from records.models import CaseFile, Ehr, EhrPage, EhrPull
from records.transfers.secrets import seal, unseal
from secondop.jobs.models import PermanentFailure
from secondop.lib.storage import new_key

MAX_PAGES = 500  # of one search
MAX_ENTRIES = 20_000  # of one pull
MAX_BYTES = 1024**3  # of one pull, files with it
RUN_SECONDS = 3600.0
PATIENCE_SECONDS = 30.0  # a server that is busy is waited for so long, else tried again later
KEEP_AFTER_DEATH = ("ehr_sign_in_again", "peer_")  # what came is used when somebody goes on


@dataclass
class Run:
    """One attempt."""

    pull: EhrPull
    fhir: Fhir
    secrets: dict[str, str]  # token address, access, refresh
    began_at: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Asked before each question to the other system: may we go on?"""
        if reason := stop_reason(self.pull):
            raise PermanentFailure(reason)
        if time.monotonic() - self.began_at > RUN_SECONDS:
            raise PermanentFailure("ehr_too_long")

    def ask(self, question: Any) -> Any:
        """Ask, wait a little where the server wants it, renew the token once where it ended."""
        has_renewed, waited = False, 0.0
        while True:
            self.check()
            try:
                return question()
            except SignInEnded:
                if has_renewed or not self.renew():
                    raise PermanentFailure(
                        "ehr_sign_in_again" if self.is_smart else "peer_refuses_us"
                    ) from None
                has_renewed = True
            except Busy as busy:
                if waited + busy.seconds > PATIENCE_SECONDS:
                    raise
                waited += max(busy.seconds, 0.1)
                self.pull.heartbeat()
                time.sleep(busy.seconds)

    @property
    def is_smart(self) -> bool:
        return bool(self.pull.ehr.way == "smart")

    def renew(self) -> bool:
        if not self.secrets.get("refresh"):
            return False
        told = smart.renew(self.fhir, self.pull.ehr, self.secrets["token"], self.secrets["refresh"])
        self.secrets |= told
        keep_secrets(self.pull, self.secrets)
        self.fhir.use(told["access"])
        return True


def run(pull: EhrPull) -> None:
    """Called by the task with a claimed job."""
    if reason := stop_reason(pull):
        raise PermanentFailure(reason)
    if pull.step == EhrPull.Step.LOOK:
        _look(pull)
    else:
        _copy(pull)


def settle(pull: EhrPull, busy: Busy | None = None) -> None:
    """After each attempt: what is not needed any more goes, and a busy server is left alone."""
    pull.refresh_from_db()
    if pull.status == EhrPull.Status.FAILED and busy:
        wait = timedelta(seconds=busy.seconds)
        EhrPull.objects.filter(pk=pull.pk, status="failed").update(
            run_after=Greatest(F("run_after"), Now() + wait)
        )
    if pull.status == EhrPull.Status.DEAD or pull.is_complete:
        forget(pull, pages=not pull.last_error.startswith(KEEP_AFTER_DEATH))


def stop_reason(pull: EhrPull) -> str:
    """Why nothing more may be fetched; "" when it may."""
    row = EhrPull.objects.select_related("ehr", "by", "case_file").get(pk=pull.pk)
    if row.cancelled_at:
        return "ehr_cancelled"
    if row.ehr.retired_at:
        return "peer_retired"
    if not CaseFile.objects.filter(pk=row.case_file_id, is_open_for_records=True).exists():
        return "case_file_closed"
    if not row.by.is_active or not rules.may_add_records(row.by, row.case_file):
        return "permission_ended"
    if row.record_request_id and not arrivals.is_open(row.record_request_id):
        return "permission_ended"
    if row.ehr.way == Ehr.Way.TOKEN and not first_doctor.may_use_system(
        row.case_file, row.ehr.title, row.record_request
    ):
        return "first_doctor_not_told"
    return ""


def keep_secrets(pull: EhrPull, told: dict[str, str]) -> None:
    """At once and by itself: a code is good for one use. Raises LeaseLost."""
    pull.sealed = seal(json.dumps(told))
    pull.heartbeat(sealed=pull.sealed)


# --- before ------------------------------------------------------------------------------------
def _look(pull: EhrPull) -> None:
    with connected(pull.ehr) as fhir:
        if pull.ehr.way == "smart":
            told: dict[str, Any] = smart.discover(fhir, pull.ehr)
        else:
            told = {"people": right_person.candidates(fhir, pull)}
    with pull.closing():
        EhrPull.objects.filter(pk=pull.pk).update(step=EhrPull.Step.ANSWER, told=told)


# --- copy --------------------------------------------------------------------------------------
def _copy(pull: EhrPull) -> None:
    secrets: dict[str, str] = json.loads(unseal(pull.sealed)) if pull.sealed else {}
    with connected(pull.ehr, secrets.get("access", "")) as fhir:
        if pull.ehr.way == "smart" and not secrets.get("access"):
            if not secrets.get("code"):
                raise PermanentFailure("ehr_sign_in_again")
            secrets = _sign_in(pull, fhir, secrets)
        one = Run(pull, fhir, secrets)
        _copy_patient(one)
        for search in SEARCHES:
            _copy_search(one, search)
            _beat(pull)
        attached.fetch(one)
    packing.close(pull)


def _sign_in(pull: EhrPull, fhir: Fhir, secrets: dict[str, str]) -> dict[str, str]:
    token_url = pull.told["token"]
    told = smart.exchange(
        fhir, pull.ehr, token_url, code=secrets["code"], verifier=secrets["verifier"]
    )
    patient = told.pop("patient")
    if pull.patient_there != patient:  # somebody else signed in: what is here is not theirs
        forget(pull, pages=True, secrets=False)
        pull.patient_there = patient
        pull.heartbeat(patient_there=patient)
    secrets = told | {"token": token_url}
    keep_secrets(pull, secrets)
    fhir.use(told["access"])
    return secrets


def _copy_patient(one: Run) -> None:
    """First of all: is it the patient of this case file? Until then nothing else is asked for."""
    pull = one.pull
    if pull.pages.filter(search=PATIENT.name).exists():
        patient = packing.resources_of(pull, PATIENT.name)[0]
    else:
        address = one.fhir.address(f"Patient/{pull.patient_there}")
        try:
            patient = one.ask(lambda: one.fhir.get(address))
        except NotGiven:
            raise PermanentFailure("ehr_no_patient") from None
        if patient.get("resourceType") != "Patient" or patient.get("id") != pull.patient_there:
            raise PermanentFailure("ehr_no_patient")
        keep(pull, PATIENT.name, 1, [patient])
    if right_person.is_somebody_else(pull, patient):
        packing.hold(pull, patient)
        raise PermanentFailure("ehr_other_patient")


def _copy_search(one: Run, search: Search) -> None:
    pull = one.pull
    rows = list(pull.pages.filter(search=search.name))
    rows.sort(key=lambda row: int(row.mark))
    first = one.fhir.address(search.resource, {
        "patient": pull.patient_there, **search.more, "_count": str(PAGE_SIZE),
    })  # fmt: skip
    asked = {first, *(row.next_url for row in rows if row.next_url)}
    url = rows[-1].next_url if rows else first
    here = {_name(one) for one in packing.resources_of(pull, search.name)} if url else set()
    number = len(rows)
    while url:
        number += 1
        try:
            bundle = _ask_page(one, url)
        except NotGiven as no:
            keep(pull, search.name, number, [], problem=no.code, said=no.said)
            return
        found, foreign = right_person.entries_of(bundle, search, pull.patient_there)
        fresh = [resource for resource in found if _name(resource) not in here]
        following, problem = _following(one, bundle, asked, number)
        if found and not fresh and following:  # the same again under ever new addresses
            following, problem = "", "loop"
        here |= {_name(resource) for resource in fresh}
        said = _warning_of(bundle)
        keep(pull, search.name, number, fresh, next_url=following, problem=problem, said=said,
             foreign=foreign)  # fmt: skip
        asked.add(following)
        url = following


def _name(resource: dict[str, Any]) -> tuple[str, str]:
    return str(resource.get("resourceType")), str(resource.get("id"))


def _ask_page(one: Run, url: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = one.ask(lambda: one.fhir.get(url))
    except NotGiven as no:
        if no.status != 400 or "_include=" not in url:
            raise
        bare = "&".join(part for part in url.split("&") if not part.startswith("_include="))
        told = one.ask(lambda: one.fhir.get(bare))
    if told.get("resourceType") != "Bundle":
        raise NotGiven(200)
    return told


def _following(one: Run, bundle: dict[str, Any], asked: set[str], number: int) -> tuple[str, str]:
    """The address of the next page, and why there is none although the server names one."""
    links = [link for link in bundle.get("link") or [] if link.get("relation") == "next"]
    named = str(links[0].get("url") or "") if links else ""
    if not named:
        return "", ""
    whole = one.fhir.within(named)
    if not whole:
        return "", "elsewhere"
    if whole in asked:
        return "", "loop"
    held = one.pull.pages.aggregate(entries=Sum("entry_count"), size=Sum("size_bytes"))
    is_full = (held["entries"] or 0) > MAX_ENTRIES or (held["size"] or 0) > MAX_BYTES
    return ("", "too_much") if is_full or number >= MAX_PAGES else (whole, "")


def _warning_of(bundle: dict[str, Any]) -> str:
    """What the server says beside its answer, for example that it left something out."""
    for entry in bundle.get("entry") or []:
        resource = entry.get("resource") or {}
        if resource.get("resourceType") == "OperationOutcome":
            with suppress(KeyError, TypeError, AttributeError, IndexError):
                issue = resource["issue"][0]
                if issue.get("severity") in ("error", "fatal", "warning"):
                    return plain(str(issue.get("diagnostics") or issue["details"]["text"]))
    return ""


def keep(
    pull: EhrPull, search: str, number: int, resources: list[dict[str, Any]], *,
    next_url: str = "", problem: str = "", said: str = "", foreign: int = 0,
) -> None:  # fmt: skip
    """One page is here, for good: written by whoever holds the lease, and once."""
    body = json.dumps(resources, separators=(",", ":")).encode()
    key = default_storage.save(new_key("ehr"), ContentFile(body)) if resources else ""
    own = [r for r in resources if r.get("resourceType") == _kind_of(search)]
    try:
        with transaction.atomic():
            pull.heartbeat()
            EhrPage.objects.create(
                clinic_id=pull.case_file.clinic_id, case_file_id=pull.case_file_id, pull=pull,
                search=search, mark=str(number), key=key, size_bytes=len(body) if key else 0,
                entry_count=len(own), next_url=next_url, problem=problem, said=said,
                foreign_count=foreign,
            )  # fmt: skip
    except BaseException:
        if key:
            default_storage.delete(key)
        raise


def _kind_of(search: str) -> str:
    return BY_NAME[search].resource


def _beat(pull: EhrPull) -> None:
    """How many of the kinds are over."""
    rows = pull.pages.filter(next_url="").exclude(search__in=[PATIENT.name, FILE])
    done = rows.values("search").distinct().count()
    pull.heartbeat(done_count=done, total_count=len(SEARCHES), unit="kinds")
