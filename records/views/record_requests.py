"""The clinic's pages: whom to ask, asking, every open ask in one list, one ask and its ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from records import asks as listing
from records import first_doctor, first_doctor_letters, record_request_rules
from records import record_requests as steps
from records.authorizations import item_lines
from records.ehr import pages
from records.legal_clocks import basis_for, clock_of
from records.models import CaseFile, HolderLetter, RecordHolder, RecordRequest
from records.record_request_forms import (
    ItemsForm,
    OutcomeForm,
    PromiseForm,
    SendForm,
    WordsForm,
)
from records.serving import send
from secondop.accounts.models import User
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from secondop.lib.keyset import keyset_page

ROWS = RecordRequest.objects.select_related("holder", "clinic", "case_file__patient", "created_by")


def asks(request: HttpRequest) -> HttpResponse:
    """Every open ask of the clinic, the most overdue first."""
    clinics = listing.clinics_of(request.user)
    wanted = request.GET.get("clinic", "")
    clinic = next((c for c in clinics if str(c.pk) == wanted), clinics[0])
    chosen = {
        "status": request.GET.get("status", "") if _is_open(request.GET.get("status", "")) else "",
        "late": "late" in request.GET,
        "mine": "mine" in request.GET,
    }
    page = keyset_page(
        listing.listed(request.user, clinic.pk, **cast(Any, chosen)),
        order=listing.ORDER,
        cursor=request.GET.get("at", ""),
        size=listing.PAGE_SIZE,
    )
    context = {
        "clinic_shown": clinic,
        "clinics": clinics if len(clinics) > 1 else [],
        "lines": [listing.line_of(row) for row in page.rows],
        "tabs": _tabs(request, chosen),
        "next_url": _address(request, at=page.next_cursor) if page.next_cursor else "",
        "previous_url": _address(request, at=page.previous_cursor) if page.previous_cursor else "",
    }
    return render(request, "records/asks.html", context)


def _is_open(status: str) -> bool:
    return status in RecordRequest.Status.values and status not in RecordRequest.ENDED


def _address(request: HttpRequest, **changes: str) -> str:
    """This list with some filters changed; a change begins at the first page."""
    query = {name: value for name, value in request.GET.items() if value and name != "at"}
    words = urlencode({name: value for name, value in {**query, **changes}.items() if value})
    return reverse("holders:asks") + (f"?{words}" if words else "")


def _tabs(request: HttpRequest, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    plain = {"status": "", "late": "", "mine": ""}
    tabs = [
        (_("All open"), plain, not any(chosen.values())),
        (_("Overdue"), {**plain, "late": "on"}, chosen["late"]),
        (_("Asked by me"), {**plain, "mine": "on"}, chosen["mine"]),
    ]
    tabs += [
        (str(status.label), {**plain, "status": str(status)}, chosen["status"] == status)
        for status in RecordRequest.Status
        if status not in RecordRequest.ENDED
    ]
    return [
        {"label": label, "url": _address(request, **changes), "is_current": current}
        for label, changes, current in tabs
    ]


def of_case_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = CaseFile.objects.select_related("patient", "clinic")
    case_file = get_visible(rows, request.user, pk, as_="coordinator")
    context = {
        "case_file": case_file,
        "holders": listing.of_case_file(case_file),
        "suggested": steps.suggested_holder(case_file).get("name", ""),
        "choice": first_doctor.choice_of(case_file),
        "may_go_on": first_doctor.may_go_on(case_file),
        "letter": first_doctor_letters.shown(case_file),
        "may_ask": record_request_rules.may_ask(request.user, case_file),
    }
    return render(request, "records/record_holders.html", context)


def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What exactly is asked for: a row for each thing."""
    rows = RecordHolder.objects.select_related("case_file__patient", "case_file__clinic")
    holder = get_visible(rows, request.user, pk, as_="coordinator")
    verdict = record_request_rules.may_ask(request.user, holder.case_file)
    form = ItemsForm(request.POST or None, prefix="items")
    if request.method == "POST":
        verdict.or_raise()
        if form.is_valid():
            is_invited = first_doctor.wants_their_view(holder.case_file)
            wants = is_invited and first_doctor.is_first_doctors(holder)
            made = steps.ask(holder, form.items(), wants_context=wants, by=request.user)
            messages.success(request, _("The patient is asked to sign. Then you can send it."))
            return redirect(made)
    context = {
        "holder": holder,
        "case_file": holder.case_file,
        "form": form,
        "verdict": verdict,
        "needs_consent": first_doctor.needs_consent(holder),
        "clock": clock_of(holder.country, basis_for(holder.country)),
        "systems": pages.systems_of(holder),
    }
    is_wrong = bool(form.errors and any(form.errors)) or bool(form.non_form_errors())
    status = 422 if request.method == "POST" and is_wrong else 200
    return render(request, "records/ask.html", context, status=status)


def record_request(request: HttpRequest, pk: UUID) -> HttpResponse:
    it = get_visible(ROWS, request.user, pk, as_="coordinator")
    return _page(request, it)


def _page(request: HttpRequest, it: RecordRequest, **forms: Any) -> HttpResponse:
    clock = clock_of(it.holder.country, it.basis)
    papers = it.authorizations.order_by("-offered_at")
    context = {
        "it": it,
        "line": listing.line_of(it),
        "holder": it.holder,
        "case_file": it.case_file,
        "items": item_lines(it),
        "ledger": listing.ledger(it),
        "paper": papers.first(),
        "letters": it.letters.order_by("-created_at"),
        "clock": clock,
        "systems": pages.systems_of(it.holder) if not it.has_ended else [],
        "may_send": record_request_rules.may_send(request.user, it),
        "may_reach": record_request_rules.may_reach(it),
        "needs_consent": first_doctor.needs_consent(it.holder),
        "can_do": listing.what_to_do(it) if it.status == "refused" else [],
        "send_form": SendForm(holder=it.holder),
        "outcome_form": OutcomeForm(),
        "promise_form": PromiseForm(),
        "words_form": WordsForm(auto_id="id_words_%s"),
        "extend_form": WordsForm(auto_id="id_extend_%s"),
        **forms,
    }
    return render(request, "records/record_request.html", context, status=422 if forms else 200)


def letter(request: HttpRequest, pk: UUID, letter: UUID) -> HttpResponseBase:
    """SECURITY: a letter holds the link; that somebody opened it is noted."""
    it = get_visible(ROWS, request.user, pk, as_="coordinator")
    found = it.letters.filter(pk=letter).exclude(key="").first()
    if found is None:
        raise Http404
    note("record_request.letter_opened", by=request.user, about=it, role=COORDINATOR)
    return send(
        request, found.key, size_bytes=found.size_bytes, media_type="application/pdf",
        etag=found.pk.hex, file_name=f"{it.reference}-{found.kind}.pdf", sha256=found.sha256,
    )  # fmt: skip


# --- steps -------------------------------------------------------------------------------------
def step(request: HttpRequest, pk: UUID) -> HttpResponse:
    it = get_visible(ROWS, request.user, pk, as_="coordinator")
    act = STEPS.get(request.POST.get("step", ""))
    if act is None:
        return redirect(it)
    return act(request, it) or redirect(it)


def _send(request: HttpRequest, it: RecordRequest) -> HttpResponse | None:
    form = SendForm(request.POST, holder=it.holder)
    if not form.is_valid():
        return _page(request, it, send_form=form, form=form)
    steps.send(it, channel=form.cleaned_data["channel"], by=request.user)
    messages.success(request, _("It is asked. The clock runs."))
    return None


def _outcome(request: HttpRequest, it: RecordRequest) -> HttpResponse | None:
    form = OutcomeForm(request.POST)
    if not form.is_valid():
        return _page(request, it, outcome_form=form, form=form)
    steps.resolve(it, **form.cleaned_data, by=request.user)
    return None


def _promise(request: HttpRequest, it: RecordRequest) -> HttpResponse | None:
    form = PromiseForm(request.POST)
    if not form.is_valid():
        return _page(request, it, promise_form=form, form=form)
    steps.promise(it, day=form.cleaned_data["day"], by=request.user)
    return None


def _words(
    name: str, change: Callable[..., Any]
) -> Callable[[HttpRequest, RecordRequest], HttpResponse | None]:
    def act(request: HttpRequest, it: RecordRequest) -> HttpResponse | None:
        form = WordsForm(request.POST, auto_id=f"id_{name}_%s")
        if not form.is_valid():
            return _page(request, it, **{f"{name}_form": form, "form": form})
        change(it, form.cleaned_data["text"], cast(User, request.user))
        return None

    return act


def _plain(
    change: Callable[..., Any], **fixed: str
) -> Callable[[HttpRequest, RecordRequest], HttpResponse | None]:
    def act(request: HttpRequest, it: RecordRequest) -> HttpResponse | None:
        change(it, by=request.user, **fixed)
        return None

    return act


STEPS: dict[str, Callable[[HttpRequest, RecordRequest], HttpResponse | None]] = {
    "send": _send,
    "outcome": _outcome,
    "promise": _promise,
    "note": _words("words", lambda it, text, by: steps.write_down(it, text=text, by=by)),
    "extend": _words("extend", lambda it, text, by: steps.extend(it, reason=text, by=by)),
    "remind": _plain(steps.remind),
    "escalate": _plain(steps.escalate, kind=str(HolderLetter.Kind.ESCALATION)),
    "complain": _plain(steps.escalate, kind=str(HolderLetter.Kind.COMPLAINT)),
    "new_link": _plain(steps.renew_link),
    "stop": _plain(steps.stop),
}
