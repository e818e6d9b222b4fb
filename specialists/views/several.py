"""Several readers: the coordinator's comparison and panel, and what a reader sees afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records.blinding_search.asking import hits_in_words
from records.blinding_search.matching import Finder, Phrase
from records.models import BlindingHit
from requests_app.concurrency import at_version, seen_token
from requests_app.models import OpinionRequest
from requests_app.views.triage import coordinated, told_when_stale
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from specialists import rules, workflow
from specialists.comparing import AGREE, axes_of, opinions_of, shown_to
from specialists.forms.several import FurtherReaderForm, JointAnswerForm, PanelForm
from specialists.matching import candidates
from specialists.models import Panel, Referral, Specialist
from specialists.views.reading import open_file

Why = BlindingHit.Why


@told_when_stale
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All readers side by side, once all have sealed; POST asks a further one."""
    opinion_request = coordinated(request, pk)
    rules.may_compare(request.user, opinion_request).or_raise()
    readers = opinions_of(opinion_request)
    axes = axes_of(readers)
    possible = [one.specialist for one in candidates(request.user, opinion_request) if one.verdict]
    may_ask = rules.may_ask_further_reader(request.user, opinion_request)
    form = FurtherReaderForm(
        request.POST if request.method == "POST" else None,
        axes=[axis for axis in axes if axis.verdict != AGREE],
        people=possible if may_ask else [],
    )
    seen, hits = seen_token(opinion_request), []
    if request.method == "POST":
        may_ask.or_raise()
        seen = request.POST.get("seen", "")
        if form.is_valid():
            hits = _giveaways(opinion_request, readers, form.cleaned_data["summary"])
            if not hits or form.cleaned_data["sure"]:
                return _ask_further(request, opinion_request, form.cleaned_data, seen)
            words = ", ".join(hits)
            form.add_error("summary", _("This contains: %(words)s. Take it out, or tick the box "
                                        "below.") % {"words": words})  # fmt: skip
    else:
        note("opinions.compared", by=request.user, about=opinion_request, role=COORDINATOR)
    context = {
        "it": opinion_request, "seen": seen, "form": form, "hits": hits, "axes": axes,
        "readers": readers, "may_ask": may_ask, "has_people": bool(possible),
    }  # fmt: skip
    return render(request, "specialists/compare.html", context)


def _giveaways(opinion_request: OpinionRequest, readers: list[Referral], text: str) -> list[str]:
    """Words of the first opinion, and of what the readers found: both are sealed to the next."""
    found = [found for found, _of in hits_in_words(opinion_request.case_file, text)]
    said = " ".join(f"{r.opinion.diagnosis} {r.opinion.icd10_code}" for r in readers)
    words = [word.strip(".,;()") for word in said.split()]
    own = Finder([Phrase(word, Why.DIAGNOSIS, is_typed=True) for word in words if len(word) > 3])
    return [*dict.fromkeys([*found, *(text[m.start : m.end] for m in own.find(text))])]


def _ask_further(
    request: HttpRequest, opinion_request: OpinionRequest, chosen: dict[str, Any], seen: str
) -> HttpResponse:
    who = get_visible(Specialist, request.user, UUID(chosen["to"]), as_="coordinator")
    with at_version(opinion_request, seen, by=request.user) as fresh:
        workflow.ask_further_reader(
            fresh, to=who, axes=chosen["axes"], reason=chosen["text"],
            summary=chosen["summary"], by=request.user,
        )  # fmt: skip
    messages.success(request, _("%(name)s has been asked.") % {"name": who.signature_name})
    return redirect("requests:triage", opinion_request.pk)


@told_when_stale
def panel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Form a panel, or change who leads it and how many opinions it needs."""
    opinion_request = coordinated(request, pk)
    rules.may_make_panel(request.user, opinion_request).or_raise()
    now = Panel.objects.filter(opinion_request=opinion_request).first()
    asked = set(opinion_request.referrals.open().values_list("specialist", flat=True))
    people = [
        one.specialist for one in candidates(request.user, opinion_request)
        if one.verdict or one.specialist.pk in asked
    ]  # fmt: skip
    form = PanelForm(
        request.POST if request.method == "POST" else None,
        people=people,
        now={seat.specialty: seat.needed for seat in now.seats.all()} if now else {},
        lead=str(now.lead_id) if now else "",
    )
    seen = request.POST.get("seen", "") if request.method == "POST" else seen_token(opinion_request)
    if request.method == "POST" and form.is_valid():
        lead = get_visible(
            Specialist, request.user, UUID(form.cleaned_data["lead"]), as_="coordinator"
        )
        with at_version(opinion_request, seen, by=request.user) as fresh:
            workflow.make_panel(fresh, lead=lead, quorum=form.quorum(), by=request.user)
        messages.success(request, _("The panel is set. Now ask its members, the lead among them."))
        return redirect("specialists:refer", pk)
    context = {"it": opinion_request, "form": form, "seen": seen, "panel": now}
    return render(request, "specialists/panel.html", context)


@told_when_stale
def stop_looking(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = coordinated(request, pk)
    with at_version(opinion_request, request.POST.get("seen", ""), by=request.user) as fresh:
        workflow.stop_looking(fresh, by=request.user)
    messages.success(request, _("Stopped. The report stays as it is, and the patient was told."))
    return redirect("requests:triage", pk)


def others(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The other opinions, after the own seal; the lead of a panel writes the joint answer."""
    row, seen = open_file(request, pk)
    rules.may_see_others(request.user, row).or_raise()
    may_answer = rules.may_answer_jointly(request.user, row)
    written = row.panel.joint_answer if row.panel and rules.is_lead(row) else ""
    form = JointAnswerForm(
        request.POST if request.method == "POST" else None, initial={"text": written}
    )
    if request.method == "POST" and form.is_valid():
        workflow.answer_jointly(row, text=form.cleaned_data["text"], by=request.user)
        messages.success(request, _("The joint answer is saved. You can sign now."))
        return redirect("specialists:complete", pk=pk)
    context = {
        "referral": row,
        "file": seen,
        "sides": shown_to(row),
        "is_lead": rules.is_lead(row),
        "may_answer": may_answer,
        "written": written,
        "form": form,
    }
    return render(request, "specialists/others.html", context)
