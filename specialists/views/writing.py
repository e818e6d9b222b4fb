"""Write the independent opinion, seal it, open the original diagnosis."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records.icd10 import find_code
from secondop.accounts.roles import SPECIALIST
from secondop.lib.access import get_visible
from secondop.lib.verdicts import CONFLICT, Refused
from specialists import rules, sealing, workflow
from specialists.completeness import lacks_before_seal
from specialists.forms.completion import CompletionForm
from specialists.forms.deciding import BreakSealForm
from specialists.forms.independent import IndependentForm
from specialists.models import Opinion, Referral, Seal
from specialists.views.reading import open_file
from specialists.workflow.opining import ChangedMeanwhile


def write(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The independent opinion. A version that is too old keeps what was typed on the page."""
    row, seen = open_file(request, pk)
    rules.may_write_independent(request.user, row).or_raise()
    form = IndependentForm.of(row.opinion, request.POST if request.method == "POST" else None)
    conflict = ""
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        try:
            workflow.save_independent(row, version=version, by=request.user, **form.kept())
            return redirect(_after_writing(row), pk=pk)
        except Refused as refused:
            conflict = refused.reason
    code = find_code(str(form["icd10_code"].value() or ""))
    context = {
        "form": form,
        "referral": row,
        "file": seen,
        "conflict": conflict,
        "chosen": code,
        "current": row.opinion,
    }
    status = 409 if conflict else 200
    return render(request, "specialists/write.html", context, status=status)


def _after_writing(referral: Referral) -> str:
    """Sealed reviews go on to the seal; open ones, and broken seals, to the comparison."""
    return "specialists:seal" if rules.is_sealed_now(referral) else "specialists:complete"


def autosave(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Save typed text. Answers JSON: the new version, or a sentence and what to do."""
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    if not hasattr(row, "opinion"):
        raise Http404
    save = _save_completion if request.GET.get("part") == "complete" else _save_independent
    try:
        problem = save(request, row)
    except Refused as refused:
        return JsonResponse({"message": refused.reason}, status=refused.status)
    if problem:
        return JsonResponse({"message": problem}, status=422)
    opinion = Opinion.objects.values("version", "saved_at").filter(pk=row.pk)[0]
    saved_at, version = opinion["saved_at"].isoformat(), opinion["version"]
    return JsonResponse({"version": version, "saved_at": saved_at, "set": {"version": version}})


def _save_independent(request: HttpRequest, referral: Referral) -> str:
    rules.may_write_independent(request.user, referral).or_raise()
    form = IndependentForm.of(referral.opinion, request.POST)
    form.is_valid()
    if problem := _problem(form, but="icd10_code"):  # half a code is not a mistake yet
        return problem
    version = form.cleaned_data["version"]
    workflow.save_independent(referral, version=version, by=request.user, **form.kept())
    return ""


def _save_completion(request: HttpRequest, referral: Referral) -> str:
    rules.may_complete(request.user, referral).or_raise()
    form = CompletionForm(referral.opinion, request.POST)
    form.is_valid()
    if problem := _problem(form):
        return problem
    version, kept = form.cleaned_data["version"], form.kept(only_sent=True)
    workflow.save_completion(referral, version=version, by=request.user, **kept)
    return ""


def _problem(form: Any, but: str = "") -> str:
    wrong = [errors[0] for name, errors in form.errors.items() if name != but]
    return str(wrong[0]) if wrong else ""


def seal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What will be sealed, what is missing, then the hash and the time."""
    row, seen = open_file(request, pk)
    written = Seal.objects.filter(opinion=row.opinion).first()
    conflict = ""
    if request.method == "POST":
        try:
            if written is None:  # a double click lands where the first one did
                workflow.seal(row, by=request.user, version=_version_shown(request))
            return redirect("specialists:seal", pk=pk)
        except ChangedMeanwhile as changed:
            conflict = changed.reason
            row, seen = open_file(request, pk)
    context = {
        "conflict": conflict,
        "shown": {"version": row.opinion.version},
        "referral": row,
        "file": seen,
        "seal": written,
        "lacks": lacks_before_seal(row.opinion),
        "may_seal": rules.may_seal(request.user, row),
        "may_reveal": rules.may_reveal(request.user, row),
        "rows": rows_of_seal(written) if written else sealed_rows(row.opinion),
    }
    page = "specialists/sealed.html" if written else "specialists/seal.html"
    return render(request, page, context, status=409 if conflict else 200)


def _version_shown(request: HttpRequest) -> int | None:
    """The version of the text on the page that was sent; -1, which is never, for anything odd."""
    sent = request.POST.get("version")
    if sent is None:
        return None
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def sealed_rows(opinion: Opinion) -> list[dict[str, Any]]:
    """The fields that are sealed, labelled as on the form, with what they say now."""
    return _labelled({name: getattr(opinion, name) for name in Opinion.SEALED_FIELDS})


def rows_of_seal(written: Seal) -> list[dict[str, Any]]:
    """The same fields from the sealed bytes: a later revision does not change them."""
    return _labelled(json.loads(written.content)["opinion"])


def _labelled(said: dict[str, str]) -> list[dict[str, Any]]:
    labels = {name: field.label for name, field in IndependentForm.base_fields.items()}
    words = dict(Opinion.Certainty.choices)
    values = said | {"certainty": words.get(said["certainty"], "")}
    return [{"name": n, "label": labels[n], "value": values[n]} for n in Opinion.SEALED_FIELDS]


def seal_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The seal as a file that `manage.py verify_seal` checks without a database."""
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    written = Seal.objects.filter(opinion=row.pk).first()
    if written is None:
        raise Refused(_("Nothing is sealed yet."), CONFLICT)
    response = HttpResponse(sealing.exported(written), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="seal-{written.sha256[:12]}.json"'
    return response


def reveal(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    if not (hasattr(row, "opinion") and row.opinion.revealed_at):
        workflow.reveal(row, by=request.user)
        messages.success(request, _("The original diagnosis and all records are open to you now."))
    return redirect("specialists:complete", pk=pk)


def break_seal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A danger that cannot wait for the seal."""
    row, _seen = open_file(request, pk)
    rules.may_break_seal(request.user, row).or_raise()
    form = BreakSealForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        workflow.break_seal(row, reason=form.cleaned_data["reason"], by=request.user)
        messages.warning(request, _("The seal is open and the clinic is alarmed. Call them too."))
        return redirect("specialists:complete", pk=pk)
    return render(request, "specialists/safety.html", {"form": form, "referral": row})
