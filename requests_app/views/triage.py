"""Triage: one page with everything known about a request, and the steps a coordinator takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app import conversation, overview, rules, workflow
from requests_app.concurrency import Stale, at_version, seen_token
from requests_app.forms import staff
from requests_app.models import Message, OpinionRequest
from requests_app.queue import BALL_WORDS
from secondop.lib.access import get_visible
from secondop.lib.verdicts import Verdict

Words = str | Promise
MESSAGES_SHOWN = 3
SHORTEST_KEPT = 20  # a click is not worth showing again, a sentence is


def coordinated(request: HttpRequest, pk: UUID) -> OpinionRequest:
    """The request, for somebody who may work on it. 404 elsewhere's, 403 one's own."""
    rows = OpinionRequest.objects.select_related(
        "clinic", "case_file__patient__user", "coordinator"
    )
    opinion_request = get_visible(rows, request.user, pk, as_="coordinator")
    rules.may_coordinate(request.user, opinion_request).or_raise()
    return opinion_request


def told_when_stale(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer a change of something outdated with who changed what, keeping what was typed."""

    @wraps(view)
    def answered(request: HttpRequest, pk: UUID) -> HttpResponse:
        try:
            return view(request, pk)
        except Stale as stale:
            return changed_meanwhile(request, stale)

    return answered


def changed_meanwhile(request: HttpRequest, stale: Stale) -> HttpResponse:
    ours = ("csrfmiddlewaretoken", "seen", "to")
    typed = [str(text).strip() for name, text in request.POST.items() if name not in ours]
    kept = [text for text in typed if len(text) > SHORTEST_KEPT]
    context = {
        "it": stale.opinion_request,
        "changes": stale.changes,
        "last": stale.opinion_request.changed_by,
        "kept": kept,
    }
    return render(request, "requests_app/triage_changed.html", context, status=409)


def triage(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything known, who has the ball, and what can be done next."""
    opinion_request = coordinated(request, pk)
    seen = seen_token(opinion_request)
    overview.note_viewed(opinion_request, by=request.user)
    case_file = opinion_request.case_file
    referrals = list(
        opinion_request.referrals.select_related("specialist__user", "opinion").order_by(
            "-offered_at"
        )
    )
    files = overview.files_of(case_file)
    talk = opinion_request.messages.filter(thread=Message.Thread.PATIENT).select_related(
        "author", "on_behalf_of"
    )
    context = {
        "it": opinion_request,
        "seen": seen,
        "ball": BALL_WORDS[opinion_request.ball_with],
        "days_open": overview.days_since(
            opinion_request.submitted_at or opinion_request.created_at
        ),
        "facts": overview.facts_about(opinion_request, timezone.localdate()),
        "safety": overview.safety_rows(case_file),
        "told": overview.told_rows(case_file),
        "purposes": overview.purposes_of(opinion_request),
        "questions": opinion_request.questions.select_related("wording"),
        "statements": opinion_request.patientstatements.select_related("wording").order_by("topic"),
        "files": files,
        "balls": overview.balls(opinion_request, referrals, files),
        "referrals": referrals,
        "messages_shown": list(talk.order_by("-sent_at", "-id")[:MESSAGES_SHOWN])[::-1],
        "days_by_ball": overview.days_of_each(opinion_request),
        "history": overview.history_of(opinion_request),
        "proxies": case_file.patient.proxies.live().select_related("user"),
        **_actions(request.user, opinion_request, referrals),
    }
    return render(request, "requests_app/triage.html", context)


def _actions(user: Any, opinion_request: OpinionRequest, referrals: list[Any]) -> dict[str, Any]:
    """What can be done now, in the order of the work; what cannot, with the rule's reason."""
    is_paused = any(referral.status in ("taken", "sealed") for referral in referrals)
    steps: list[tuple[str, Words, Verdict]] = [
        ("ask_patient", gettext_lazy("Ask the patient"),
         rules.may_ask_patient(user, opinion_request)),
        ("prepare", gettext_lazy("Prepare the records"), rules.may_prepare(user, opinion_request)),
        ("mark_ready", gettext_lazy("Mark the records complete"),
         rules.may_mark_ready(user, opinion_request, waiver="asked for on the next page")),
        ("return_with_advice", gettext_lazy("Return with advice"),
         rules.may_return(user, opinion_request)),
        ("staff_reopen", gettext_lazy("Open again"), rules.may_reopen(user, opinion_request)),
    ]  # fmt: skip
    links = [
        {"label": label, "url": overview.page_of(name, opinion_request), "verdict": verdict}
        for name, label, verdict in steps
    ]
    return {
        "may_accept": rules.may_triage(user, opinion_request),
        "may_refer": rules.may_ask_specialist(user, opinion_request),
        "may_resume": is_paused and opinion_request.status == OpinionRequest.Status.COLLECTING,
        "is_delivered": opinion_request.status == OpinionRequest.Status.DELIVERED,
        "may_stop_looking": opinion_request.status == OpinionRequest.Status.READY
        and opinion_request.reports.exclude(delivered_at=None).exists(),
        "may_form_panel": opinion_request.status in ("ready", "referred", "in_review"),
        "may_compare": len([r for r in referrals if r.status in ("sealed", "signed")]) > 1
        and not any(referral.status in ("offered", "taken") for referral in referrals),
        "possible": [link for link in links if link["verdict"]],
        "impossible": [link for link in links if not link["verdict"]],
    }


@told_when_stale
def accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = coordinated(request, pk)
    form = staff.AcceptForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose routine or urgent."))
        return redirect("requests:triage", pk)
    urgent = form.cleaned_data["urgency"] == OpinionRequest.Urgency.URGENT
    with at_version(opinion_request, request.POST.get("seen", ""), by=request.user) as fresh:
        workflow.accept(fresh, urgent=urgent, by=request.user)
    messages.success(
        request, _("Accepted. You look after it now. Next: gather and prepare the records.")
    )
    return redirect("requests:triage", pk)


@dataclass(frozen=True)
class TextStep:
    """A step that begins with words the patient will read."""

    template: str
    form: type[forms.Form]
    rule: Callable[[Any, OpinionRequest], Verdict]
    step: Callable[..., OpinionRequest]
    argument: str  # the name under which `step` takes the text
    done: Words


def _text_step(request: HttpRequest, pk: UUID, it: TextStep, **context: Any) -> HttpResponse:
    opinion_request = coordinated(request, pk)
    it.rule(request.user, opinion_request).or_raise()
    posted = request.method == "POST"
    form = it.form(request.POST) if posted else it.form(initial=context.pop("initial", None))
    seen = request.POST.get("seen", "") if posted else seen_token(opinion_request)
    if posted and form.is_valid():
        with at_version(opinion_request, seen, by=request.user) as fresh:
            it.step(fresh, by=request.user, **{it.argument: form.cleaned_data["text"]})
        messages.success(request, str(it.done))
        return redirect("requests:triage", pk)
    context |= {"it": opinion_request, "form": form, "seen": seen}
    return render(request, it.template, context)


ASKING: dict[str, tuple[Words, Words]] = {
    "report": (gettext_lazy("A report is missing"), gettext_lazy(
        "Thank you for your request. To help you well we need one more paper:\n\n"
        "- the report of your biopsy (also called the pathology report)\n\n"
        "Your doctor's office or the hospital can give you a copy. A clear photo is fine. "
        "If you cannot get it, tell us where it was done and we will help."
    )),
    "images": (gettext_lazy("The pictures are missing"), gettext_lazy(
        "Thank you for your request. We have the report of your scan, but not the pictures.\n\n"
        "Please ask the place that made the scan for the pictures on a disc or as files. "
        "If that is hard, tell us where and when the scan was made."
    )),
    "unreadable": (gettext_lazy("A file cannot be read"), gettext_lazy(
        "Thank you for your records. One of them is too dark or too small to read.\n\n"
        "Please take a new photo in daylight, one page at a time, with all four corners in view."
    )),
    "question": (gettext_lazy("The question is not clear"), gettext_lazy(
        "Thank you for your request. We want to make sure that we answer what matters to you.\n\n"
        "Could you tell us in a sentence or two what you most want to know?"
    )),
    "safety": (gettext_lazy("A safety question is open"), gettext_lazy(
        "Thank you for your request. Before we go on we need to know about your safety:\n\n"
        "- Do you take blood thinners? Which one?\n"
        "- Do you have allergies, or any metal or device in your body?\n\n"
        "If you are not sure, a photo of your list of medicines is enough."
    )),
}  # fmt: skip


@told_when_stale
def ask_patient(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for something. `?start=` begins with one of our texts."""
    chosen = request.GET.get("start", "")
    initial = {"text": str(ASKING[chosen][1])} if chosen in ASKING else None
    step = TextStep(
        "requests_app/ask_patient.html", staff.AskPatientForm, rules.may_ask_patient,
        workflow.ask_patient, "text", _("Sent. The patient has been told, and has 21 days."),
    )  # fmt: skip
    starts = [
        {"key": key, "label": label, "is_current": key == chosen}
        for key, (label, _t) in ASKING.items()
    ]
    return _text_step(request, pk, step, initial=initial, starts=starts)


@told_when_stale
def return_with_advice(request: HttpRequest, pk: UUID) -> HttpResponse:
    step = TextStep(
        "requests_app/return.html", staff.AdviceForm, rules.may_return,
        workflow.return_with_advice, "advice", _("Returned. The patient can read your advice now."),
    )  # fmt: skip
    return _text_step(request, pk, step)


@told_when_stale
def mark_ready(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Records are complete; the gate asks for a reason when nothing is cleared."""
    opinion_request = coordinated(request, pk)
    gate = rules.may_mark_ready(request.user, opinion_request)
    open_gate = rules.may_mark_ready(request.user, opinion_request, waiver="a reason")
    open_gate.or_raise()
    form = staff.ReadyForm(request.POST or None)
    seen = request.POST.get("seen", "") if request.method == "POST" else seen_token(opinion_request)
    if request.method == "POST" and form.is_valid():
        waiver = form.cleaned_data["text"].strip()
        if gate or waiver:
            with at_version(opinion_request, seen, by=request.user) as fresh:
                workflow.mark_ready(fresh, waiver=waiver, by=request.user)
            messages.success(request, _("The records are complete. Now choose a specialist."))
            return redirect("requests:triage", pk)
        form.add_error("text", str(gate.reason))
    context = {
        "it": opinion_request, "form": form, "seen": seen, "gate": gate,
        "files": overview.files_of(opinion_request.case_file),
    }  # fmt: skip
    return render(request, "requests_app/ready.html", context)


@told_when_stale
def staff_reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    step = TextStep(
        "requests_app/staff_reopen.html", staff.ReopenForm, rules.may_reopen, workflow.reopen,
        "reason", _("The request is open again."),
    )  # fmt: skip
    return _text_step(request, pk, step)


def staff_messages(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The thread with the patient. Showing it marks the patient's messages as read."""
    opinion_request = coordinated(request, pk)
    form = staff.MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        conversation.write_to_patient(
            opinion_request, text=form.cleaned_data["text"], by=request.user
        )
        messages.success(request, _("Sent. The patient has been told that there is a message."))
        return redirect("requests:staff_messages", pk)
    thread = opinion_request.messages.filter(thread=Message.Thread.PATIENT)
    shown = list(thread.select_related("author", "on_behalf_of"))
    conversation.mark_read_by_clinic(thread)
    context = {
        "it": opinion_request,
        "form": form,
        "thread": shown,
        "may_write": rules.may_write_message(request.user, opinion_request),
    }
    return render(request, "requests_app/staff_messages.html", context)
