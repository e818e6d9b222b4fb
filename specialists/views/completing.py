"""After the reveal: compare, answer, options, summary, revise, sign; follow-up answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from secondop.lib.verdicts import Refused
from specialists import rules, workflow
from specialists.completeness import lacks_before_signing
from specialists.desk import follow_up_of
from specialists.forms.completion import OPTION_LABELS, CompletionForm
from specialists.forms.deciding import FollowUpAnswerForm
from specialists.forms.independent import RevisionForm
from specialists.models import Opinion, QualityCheck, Referral
from specialists.readability import readability_of
from specialists.views.reading import open_file
from specialists.views.writing import sealed_rows


def complete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One page, one form: a version that is too old keeps what was typed."""
    row, seen = open_file(request, pk)
    rules.may_complete(request.user, row).or_raise()
    form = CompletionForm(row.opinion, request.POST if request.method == "POST" else None)
    conflict = ""
    if request.method == "POST" and form.is_valid():
        version, kept = form.cleaned_data["version"], form.kept(only_sent=False)
        try:
            workflow.save_completion(row, version=version, by=request.user, **kept)
            return _go_on(request, row)
        except Refused as refused:
            conflict = refused.reason
    context = {
        "form": form,
        "referral": row,
        "file": seen,
        "conflict": conflict,
        "current": row.opinion,
        "own": sealed_rows(row.opinion),
        "revised": {revision.field for revision in row.opinion.revisions.all()},
        "comments": _comments(row),
        "readability": _readability(row, str(form["plain_summary"].value() or "")),
        "may_revise": rules.may_revise(request.user, row),
    }
    return render(request, "specialists/complete.html", context, status=409 if conflict else 200)


def _go_on(request: HttpRequest, row: Referral) -> HttpResponse:
    """The page is saved; do what the pressed button says."""
    option = request.POST.get("remove_option", "")
    if "add_option" not in request.POST and not option:
        return redirect("specialists:sign", pk=row.pk)
    try:
        if option:
            workflow.remove_option(row, option=_id_of(option), by=request.user)
        else:
            workflow.add_option(row, by=request.user)
    except Refused as refused:  # the text was saved; only the button was refused
        messages.error(request, refused.reason)
    return redirect(reverse("specialists:complete", args=[row.pk]) + "#options")


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _comments(referral: Referral) -> QualityCheck | None:
    """The latest quality check that sent this opinion back, while it is being changed."""
    checks = QualityCheck.objects.filter(opinion_request=referral.opinion_request_id)
    sent_back = checks.filter(outcome=QualityCheck.Outcome.SENT_BACK)
    return sent_back.order_by("-ended_at").first()


def _readability(referral: Referral, text: str) -> Any:
    patient = referral.opinion_request.case_file.patient
    language = patient.user.language if patient.user else "en"
    return readability_of(text, language)


def reading_grade(request: HttpRequest) -> HttpResponse:
    """The reading grade of a text that is being typed; nothing is kept."""
    text = request.POST.get("plain_summary", "")[:8000]
    measured = readability_of(text, request.POST.get("language", "en"))
    return render(request, "specialists/_reading_grade.html", {"readability": measured})


def revise(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Revise one sealed field with a reason; before and after are kept."""
    row, seen = open_file(request, pk)
    rules.may_revise(request.user, row).or_raise()
    name = request.GET.get("field", "diagnosis")
    if name not in Opinion.SEALED_FIELDS:
        raise Http404
    form = RevisionForm(row.opinion, name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        after, reason = form.cleaned_data["after"], form.cleaned_data["reason"]
        if after == getattr(row.opinion, name):
            form.add_error("after", _("This is what you sealed. Change it, or go back."))
        else:
            workflow.revise(row, field=name, after=after, reason=reason, by=request.user)
            messages.success(request, _("Revised. The report shows both versions and your reason."))
            return redirect("specialists:complete", pk=pk)
    sealed = next(field for field in sealed_rows(row.opinion) if field["name"] == name)
    context = {
        "form": form,
        "referral": row,
        "file": seen,
        "sealed": sealed,
        "revisions": list(row.opinion.revisions.filter(field=name)),
    }
    return render(request, "specialists/revise.html", context)


def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole opinion as it will be signed, and everything that is missing as links."""
    row, seen = open_file(request, pk)
    if request.method == "POST":
        if row.status != Referral.Status.SIGNED:  # a double click lands where the first one did
            workflow.sign(row, by=request.user)
            messages.success(request, _("Signed. A second clinician checks it next. Thank you."))
        return redirect("specialists:referral", pk=pk)
    if row.status != Referral.Status.SIGNED:
        rules.may_complete(request.user, row).or_raise()
    options = list(row.opinion.options.all())
    context = {
        "referral": row,
        "file": seen,
        "opinion": row.opinion,
        "own": sealed_rows(row.opinion),
        "lacks": lacks_before_signing(row.opinion),
        "may_sign": rules.may_sign(request.user, row),
        "comparisons": list(row.opinion.comparisons.all()),
        "answers": list(
            row.opinion.answers.select_related("question__wording").order_by("question__position")
        ),
        "option_columns": _columns(options),
        "option_rows": _rows(options),
    }
    return render(request, "specialists/sign.html", context)


def _columns(options: list[Any]) -> list[dict[str, Any]]:
    """Columns of the options table: the first doctor's plan and the recommended one are marked."""
    return [
        {
            "title": option.name or _("Without a name"),
            "badge": _("Recommended")
            if option.is_recommended
            else (_("First doctor's plan") if option.is_first_doctors_plan else ""),
            "badge_kind": "done" if option.is_recommended else "plain",
        }
        for option in options
    ]


def _rows(options: list[Any]) -> list[dict[str, Any]]:
    return [
        {"label": label, "cells": [getattr(option, name) for option in options]}
        for name, label in OPTION_LABELS.items()
        if name != "name"
    ]


def answer_follow_up(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A patient's question about a delivered report, and the answer to it."""
    user: Any = request.user
    question, row = follow_up_of(user, pk)
    if question is None or row is None:
        raise Http404
    form = FollowUpAnswerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        workflow.answer_follow_up(row, question=question, text=text, by=user)
        messages.success(request, _("Your answer is with the patient."))
        return redirect("specialists:desk")
    context = {"form": form, "question": question, "referral": row}
    return render(request, "specialists/answer_follow_up.html", context)
