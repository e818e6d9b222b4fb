"""What is still needed: for the patient in plain words, for the coordinator with the reasons; and
the clinic's own checklists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app import gathering, rules
from requests_app.completeness.choosing import (
    CORE,
    checklists_of,
    completeness_of,
    current_of,
    text_of,
)
from requests_app.completeness.definition import Checklist, Wrong, said
from requests_app.completeness.evaluating import Completeness, Finding
from requests_app.forms.gathering import AnswerForm, ChecklistForm, SignForm, WaiveForm
from requests_app.models import ChecklistVersion, ItemStatement, OpinionRequest
from requests_app.views.pieces import own_request
from requests_app.views.triage import coordinated
from secondop.accounts.models import Clinic
from secondop.accounts.roles import ADMINISTRATOR, COORDINATOR
from secondop.lib.access import get_visible

Words = str | Promise
BADGES: dict[str, tuple[str, Words]] = {
    "met": ("done", gettext_lazy("Here")),
    "old": ("done", gettext_lazy("Here, but old")),
    "missing": ("bad", gettext_lazy("Missing")),
    "unknown": ("wait", gettext_lazy("Does it apply?")),
    "not_needed": ("plain", gettext_lazy("Not needed")),
    "waived": ("todo", gettext_lazy("We go on without it")),
}
WHERE: dict[str, Words] = {  # by form: how people get hold of it
    "images": gettext_lazy(
        "Ask the X-ray department of the hospital for the images as files, on a disc or by a link. "
        "A report on paper is not enough."
    ),
    "report": gettext_lazy(
        "Ask the doctor who ordered it, or the records desk of the hospital, for a copy."
    ),
    "document": gettext_lazy("Your doctor's office can print it. A clear photo is fine."),
    "lab": gettext_lazy("Your family doctor or the laboratory can print it with all dates."),
    "slides": gettext_lazy(
        "The laboratory lends the glass slides. You need not carry them: we write to it."
    ),
    "answer": gettext_lazy("You can write it here."),
}


@dataclass(frozen=True)
class Row:
    finding: Finding
    badge: str
    state: Words
    where: Words
    form: AnswerForm | None = None
    waiver: WaiveForm | None = None


def row_of(finding: Finding, **forms: Any) -> Row:
    badge, words = BADGES[finding.state]
    if finding.tier == "optional" and finding.state == "missing":
        badge, words = "plain", _("Would help")
    return Row(finding, badge, words, WHERE[finding.item.form], **forms)


# --- the patient ------------------------------------------------------------------------------


def needed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What helps most and is not here yet, with a way to answer each."""
    opinion_request = own_request(request, pk)
    verdict = rules.may_add_records(request.user, opinion_request)
    if request.method == "POST":
        verdict.or_raise()
        form = AnswerForm(request.POST)
        if form.is_valid():
            gathering.say(opinion_request, by=request.user, **form.cleaned_data)
            messages.success(request, _("Thank you. We have noted it."))
            return redirect("requests:needed", pk)
        messages.error(request, _("Choose yes, no or I do not know, or write your answer."))
    found = completeness_of(opinion_request)
    stated = _stated(opinion_request)
    rows = [
        row_of(finding, form=_answer_form(finding, stated))
        for finding in found.findings
        if not _has_own_page(finding)
    ]
    context = {
        "opinion_request": opinion_request,
        "found": found,
        "questions": [row for row in rows if row.finding.state == "unknown"],
        "missing": [row for row in rows if row.finding.state == "missing"],
        "waived": [row for row in rows if row.finding.state == "waived"],
        "here": [row for row in rows if row.finding.state in ("met", "old")],
        "may_add": verdict,
    }
    code = 422 if request.method == "POST" else 200
    return render(request, "requests_app/needed.html", context, status=code)


def _has_own_page(finding: Finding) -> bool:
    """Answers that other parts of the request ask for."""
    return str(finding.item.evidence.get("answer", "item")) != "item"


def _stated(opinion_request: OpinionRequest) -> dict[str, ItemStatement]:
    rows = ItemStatement.objects.filter(opinion_request=opinion_request)
    return {row.item: row for row in rows}


def _answer_form(finding: Finding, stated: dict[str, ItemStatement]) -> AnswerForm | None:
    before = stated.get(finding.name)
    if finding.item.ask and finding.state in ("unknown", "missing", "not_needed"):
        initial = {"name": finding.name, "applies": before.applies if before else ""}
        return AnswerForm(initial=initial, asks="applies", label=finding.asks)
    if finding.item.takes_words:
        initial = {"name": finding.name, "words": before.words if before else ""}
        return AnswerForm(initial=initial, asks="words", label=finding.question)
    return None


# --- the coordinator --------------------------------------------------------------------------


def completeness(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Each item with what was found for it; waive, ask again, answer, change the checklists."""
    opinion_request = coordinated(request, pk)
    if request.method == "POST":
        return _act(request, opinion_request)
    return _completeness_page(request, opinion_request, completeness_of(opinion_request))


def _completeness_page(
    request: HttpRequest, it: OpinionRequest, found: Completeness, status: int = 200
) -> HttpResponse:
    stated = _stated(it)
    held = checklists_of(it)
    groups = [
        {"title": said(checklist.title), "version": checklist.version,
         "rows": [
             row_of(
                 finding, form=_answer_form(finding, stated),
                 waiver=WaiveForm(initial={"name": finding.name}),
             )
             for finding in found.findings if finding.name.startswith(f"{checklist.key}.")
         ]}
        for checklist in held
    ]  # fmt: skip
    keys = [checklist.key for checklist in held]
    context = {
        "it": it, "found": found, "groups": groups,
        "may_waive": rules.may_waive(request.user, it),
        "choices": [
            {"key": one.key, "title": said(one.title), "is_held": one.key in keys}
            for one in current_of(it.clinic_id).values() if one.key != CORE
        ],
    }  # fmt: skip
    return render(request, "requests_app/completeness.html", context, status=status)


def _act(request: HttpRequest, it: OpinionRequest) -> HttpResponse:
    """One of four buttons; the message says what happened."""
    action, by = request.POST.get("action", ""), request.user
    if action == "waive":
        form = WaiveForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Write why you go on without it. The patient reads it."))
            return _completeness_page(request, it, completeness_of(it), status=422)
        gathering.waive(it, form.cleaned_data["name"], reason=form.cleaned_data["reason"], by=by)
        messages.success(request, _("Noted. The patient reads the reason."))
    elif action == "ask_again":
        gathering.ask_again(it, request.POST.get("name", "")[:90], by=by)
        messages.success(request, _("It counts as missing again."))
    elif action == "choose":
        gathering.choose(it, request.POST.getlist("checklist"), by=by)
        messages.success(request, _("The checklists of this request are changed."))
    else:
        answer = AnswerForm(request.POST)
        if not answer.is_valid():
            messages.error(request, _("Choose yes, no or I do not know, or write your answer."))
            return _completeness_page(request, it, completeness_of(it), status=422)
        gathering.say(it, by=by, **answer.cleaned_data)
        messages.success(request, _("Noted."))
    return redirect("requests:completeness", it.pk)


# --- the clinic's checklists ------------------------------------------------------------------


def _clinics(request: HttpRequest) -> list[Clinic]:
    user: Any = request.user
    ids = {pk for role in (COORDINATOR, ADMINISTRATOR) for pk in user.clinics_as(role)}
    return list(Clinic.objects.filter(pk__in=ids).order_by("name", "pk"))


def checklists(request: HttpRequest) -> HttpResponse:
    """Every checklist of the clinic with the version in use."""
    clinics = _clinics(request)
    rows = ChecklistVersion.objects.filter(clinic__in=clinics, is_current=True)
    used = {(row.clinic_id, row.key): row for row in rows}
    groups = [
        {"clinic": clinic, "rows": [
            {"checklist": one, "title": said(one.title), "row": used.get((clinic.pk, one.key))}
            for one in current_of(clinic.pk).values()
        ]}
        for clinic in clinics
    ]  # fmt: skip
    return render(request, "requests_app/checklists.html", {"groups": groups})


def checklist(request: HttpRequest, clinic: UUID, key: str) -> HttpResponse:
    """One checklist: what it asks, the text to change, its versions."""
    place = next((one for one in _clinics(request) if one.pk == clinic), None)
    known = current_of(clinic)
    if place is None or (key not in known and key != "new"):
        raise Http404
    one = known.get(key)
    rows = ChecklistVersion.objects.filter(clinic=place, key=key).order_by("-made_at", "-version")
    text = text_of(place.pk, key)
    form = ChecklistForm(request.POST or None, initial={"content": text})
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            row = gathering.save_version(place, form.cleaned_data["content"], by=request.user)
        except Wrong as wrong:
            problems = wrong.args[0]
        else:
            messages.success(request, _("Saved. It is used once a clinician has signed it."))
            return redirect("requests:checklist", place.pk, row.key)
    context = {
        "clinic": place, "checklist": one, "title": said(one.title) if one else _("A new one"),
        "form": form, "problems": problems, "sign_form": SignForm(),
        "items": _items_of(one), "versions": rows.select_related("signed_by", "made_by"),
    }  # fmt: skip
    code = 422 if problems or form.errors else 200
    return render(request, "requests_app/checklist.html", context, status=code)


def _items_of(one: Checklist | None) -> list[dict[str, Any]]:
    tiers = {
        "required": _("Required"), "conditional": _("If it applies"), "optional": _("Helpful"),
    }  # fmt: skip
    return [
        {"title": said(item.title), "why": said(item.why), "tier": tiers[item.tier],
         "asks": said(item.ask), "blinding": item.blinding}
        for item in (one.items if one else ())
    ]  # fmt: skip


def checklist_sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    version = get_visible(ChecklistVersion.objects.select_related("clinic"), request.user, pk)
    form = SignForm(request.POST)
    if form.is_valid():
        gathering.sign(version, name=form.cleaned_data["name"], by=request.user)
        messages.success(request, _("Signed. New requests are held to this version."))
    else:
        messages.error(request, _("Write the name of the clinician who has read it."))
    return redirect("requests:checklist", version.clinic_id, version.key)
