"""Choose a specialist, take a referral back, hand a case back, write to a specialist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from records.blinding_search.asking import hits_in_words
from records.grading import grade_of
from requests_app.concurrency import at_version, seen_token
from requests_app.conversation import mark_read_by_clinic
from requests_app.models import Message, OpinionRequest
from requests_app.models.opinion_request import Purpose
from requests_app.rules import may_ask_specialist, may_coordinate
from requests_app.views.triage import coordinated, told_when_stale
from secondop.lib.access import get_visible
from specialists import conversation, rules, workflow
from specialists.forms.referring import ReferForm, SpecialistMessageForm
from specialists.matching import candidates
from specialists.models import Referral, Specialist


@told_when_stale
def refer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who could answer, best match first, and the offer to the one that is chosen."""
    opinion_request = coordinated(request, pk)
    may_ask_specialist(request.user, opinion_request).or_raise()
    seen = seen_token(opinion_request)
    form, hits = ReferForm(initial=_proposed(opinion_request)), []
    if request.method == "POST":
        seen, form = request.POST.get("seen", ""), ReferForm(request.POST)
        if form.is_valid():
            hits = _giveaways_in(opinion_request, form.cleaned_data["summary"])
            if not hits or form.cleaned_data["sure"]:
                return _offer(request, opinion_request, form.cleaned_data, seen)
            form.add_error("summary", _words_found(hits))
    listed = candidates(request.user, opinion_request)
    context = {
        "it": opinion_request,
        "seen": seen,
        "form": form,
        "hits": hits,
        "chosen": str(form["to"].value() or ""),
        "possible": [one for one in listed if one.verdict],
        "impossible": [one for one in listed if not one.verdict],
        "grade": grade_of(opinion_request.case_file)
        if opinion_request.review_mode == OpinionRequest.ReviewMode.SEALED
        else None,
        "open_referrals": opinion_request.referrals.open().select_related("specialist__user"),
    }
    return render(request, "specialists/refer.html", context)


def _proposed(opinion_request: OpinionRequest) -> dict[str, Any]:
    """A neutral summary and the clinic's usual deadlines."""
    case_file, clinic = opinion_request.case_file, opinion_request.clinic
    patient = case_file.patient
    age = case_file.age_band(timezone.localdate())
    sex = patient.get_sex_display() if patient.sex in ("female", "male") else ""
    who = ", ".join(part for part in (sex, age) if part)
    asked = " ".join(str(Purpose(purpose).label) for purpose in opinion_request.purposes)
    soon = timezone.now().replace(second=0, microsecond=0)
    answer_by = soon + timedelta(hours=clinic.offer_hours)
    return {
        "summary": f"{who}. {asked}".strip(". ") if who else asked,
        "answer_by": answer_by,
        "review_by": answer_by + timedelta(hours=clinic.review_hours),
    }


def _giveaways_in(opinion_request: OpinionRequest, text: str) -> list[str]:
    """Words of the first opinion or of who is who, for somebody who must not learn them."""
    return list(
        dict.fromkeys(found for found, _of in hits_in_words(opinion_request.case_file, text))
    )


def _words_found(hits: list[str]) -> str:
    words = ", ".join(hits)
    return _("This contains: %(words)s. Take it out, or tick the box below.") % {"words": words}


def _offer(
    request: HttpRequest, opinion_request: OpinionRequest, chosen: dict[str, Any], seen: str
) -> HttpResponse:
    specialist = get_visible(Specialist, request.user, chosen["to"], as_="coordinator")
    with at_version(opinion_request, seen, by=request.user) as fresh:
        workflow.refer(
            fresh,
            to=specialist,
            by=request.user,
            summary=chosen["summary"],
            answer_by=chosen["answer_by"],
            review_by=chosen["review_by"],
        )
    done = _("%(name)s has been asked.") % {"name": specialist.signature_name}
    messages.success(request, done)
    return redirect("requests:triage", opinion_request.pk)


def _referral(request: HttpRequest, pk: UUID) -> Referral:
    """A referral of the own clinic, for somebody who may work on its request."""
    rows = Referral.objects.select_related(
        "opinion_request__case_file__patient__user", "opinion_request__clinic", "specialist__user"
    )
    referral = get_visible(rows, request.user, pk, as_="coordinator")
    may_coordinate(request.user, referral.opinion_request).or_raise()
    return referral


def recall(request: HttpRequest, pk: UUID) -> HttpResponse:
    referral = _referral(request, pk)

    @told_when_stale
    def recalled(request: HttpRequest, pk: UUID) -> HttpResponse:
        seen = request.POST.get("seen", "")
        with at_version(referral.opinion_request, seen, by=request.user):
            referral.refresh_from_db(fields=["status"])
            rules.may_recall(request.user, referral).or_raise()
            workflow.recall(referral, by=request.user)
        done = _("Taken back. %(name)s has been told.") % {
            "name": referral.specialist.signature_name
        }
        messages.success(request, done)
        return redirect("requests:triage", referral.opinion_request_id)

    return recalled(request, pk)


@told_when_stale
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = coordinated(request, pk)
    with at_version(opinion_request, request.POST.get("seen", ""), by=request.user) as fresh:
        workflow.resume(fresh, by=request.user)
    messages.success(request, _("Handed back. The specialist has been told."))
    return redirect("requests:triage", pk)


def specialist_thread(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Messages with one specialist, whose referral this is. Showing them marks them as read."""
    referral = _referral(request, pk)
    opinion_request = referral.opinion_request
    is_sealed = rules.is_sealed_now(referral)
    if request.method == "POST" and "withhold" in request.POST:
        return _withhold(request, referral)
    form, hits = SpecialistMessageForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        hits = _giveaways_in(opinion_request, text) if is_sealed else []
        if not hits or form.cleaned_data["sure"]:
            conversation.write_to_specialist(referral, text=text, by=request.user)
            messages.success(request, _("Sent. The specialist has been told."))
            return redirect("specialists:specialist_thread", pk)
        form.add_error("text", _words_found(hits))
    thread = opinion_request.messages.filter(
        thread=Message.Thread.SPECIALIST, specialist=referral.specialist.user
    )
    shown = list(thread.select_related("author", "on_behalf_of"))
    mark_read_by_clinic(thread)
    context = {
        "it": opinion_request,
        "referral": referral,
        "thread": shown,
        "form": form,
        "hits": hits,
        "is_sealed": is_sealed,
        "seen": seen_token(opinion_request),
        "may_recall": rules.may_recall(request.user, referral),
        "may_withhold": rules.may_withhold_messages(request.user, referral),
    }
    return render(request, "specialists/specialist_thread.html", context)


def _withhold(request: HttpRequest, referral: Referral) -> HttpResponse:
    try:
        wanted = UUID(request.POST["withhold"])
    except ValueError:
        raise Http404 from None
    conversation.withhold_message(referral, pk=wanted, by=request.user)
    if referral.opinion_request.messages.get(pk=wanted).read_at:
        messages.warning(request, _("Withheld from now on. The specialist had opened it already: "
                                    "the report will say so."))  # fmt: skip
    else:
        messages.success(request, _("Withheld. The specialist has not opened it."))
    return redirect("specialists:specialist_thread", referral.pk)
