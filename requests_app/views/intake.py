"""The task list and its sections: pages that save themselves, in part if need be."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from records.grading import Grade, grade_of
from records.icd10 import find_code, search
from requests_app import intake, rules, workflow
from requests_app.answers_summary import summary
from requests_app.forms.answers import (
    FORMS,
    QuestionsField,
    SectionForm,
    TruthForm,
    questions_typed,
)
from requests_app.intake import MAX_QUESTIONS, ChangedMeanwhileError, Opened
from requests_app.models import OpinionRequest
from requests_app.sections import SECTIONS, what_is_missing
from requests_app.views.pieces import own_request, told_about_it
from secondop.lib.templatetags.ui import exact_time
from secondop.lib.verdicts import Refused

MOVES = ("add", "remove", "up", "down")


def task_list(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    if not rules.may_edit(request.user, opinion_request):
        return redirect(opinion_request)
    context = {
        "opinion_request": opinion_request,
        "tasks": _tasks(opinion_request),
        "asked": opinion_request.status == OpinionRequest.Status.NEEDS_PATIENT,
        "saved_at": intake.last_changed_at(opinion_request),
        "may_discard": opinion_request.status == OpinionRequest.Status.DRAFT,
        "what_we_asked": told_about_it(opinion_request, OpinionRequest.Status.NEEDS_PATIENT),
    }
    return render(request, "requests_app/task_list.html", context)


def _tasks(opinion_request: OpinionRequest) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for section in SECTIONS:
        done = not section.lacks(opinion_request)
        status = "done" if done else "todo"
        if not done and intake.has_begun(opinion_request, section.key):
            status = "started"
        url = reverse(section.route, args=[opinion_request.pk])
        tasks.append({"label": section.title, "hint": section.hint, "url": url, "status": status})
    ready = all(task["status"] == "done" for task in tasks)
    check = {
        "label": _("Check your answers and send"),
        "hint": "" if ready else _("When the parts above are done"),
        "url": reverse("requests:check", args=[opinion_request.pk]),
        "status": "todo" if ready else "blocked",
    }
    return [*tasks, check]


@dataclass
class Page:
    """One section opened by one person: what was stored, what they typed, what to show."""

    request: HttpRequest
    opinion_request: OpinionRequest
    section: str

    def form(self, data: QueryDict | None = None) -> SectionForm:
        """Bound to `data`, or showing what is stored."""
        stored = intake.READ[self.section](self.opinion_request)
        more: dict[str, Any] = {}
        if self.section == "told":
            more["born_on"] = self.opinion_request.case_file.patient.born_on
        return FORMS[self.section](data, initial=stored, **more)

    def opened(self) -> Opened:
        posted = self.request.POST
        version = posted.get("version", "")
        return Opened(int(version) if version.isdigit() else 0, posted.get("tab", "")[:32])

    def save(self, answers: dict[str, Any], *, is_finished: bool) -> int:
        row = intake.save(
            self.opinion_request,
            self.section,
            answers,
            since=self.opened(),
            by=self.request.user,
            is_finished=is_finished,
        )
        return row.version

    def show(self, form: SectionForm, *, status: int = 200, **more: Any) -> HttpResponse:
        saved = intake.opened(self.opinion_request, self.section)
        context = {
            "opinion_request": self.opinion_request,
            "form": form,
            "version": saved.version if saved else 0,
            "tab": self.request.POST.get("tab") or secrets.token_hex(8),
            "for_other": self.opinion_request.case_file.patient.user_id != self.request.user.pk,
            "task_list_url": reverse("requests:task_list", args=[self.opinion_request.pk]),
            **more,
        }
        return render(self.request, f"requests_app/{self.section}.html", context, status=status)


def _open(request: HttpRequest, pk: UUID, section: str) -> Page | HttpResponse:
    """The page, or the way to the status page when the request is with the clinic already."""
    opinion_request = own_request(request, pk)
    verdict = rules.may_edit(request.user, opinion_request)
    if verdict:
        return Page(request, opinion_request, section)
    if request.method == "GET":
        return redirect(opinion_request)
    if "autosave" in request.POST:
        return JsonResponse({"message": str(verdict.reason)}, status=409)
    raise Refused(verdict.reason, verdict.status)


def _section(request: HttpRequest, pk: UUID, section: str, **more: Any) -> HttpResponse:
    page = _open(request, pk, section)
    if isinstance(page, HttpResponse):
        return page
    if request.method == "GET":
        return page.show(page.form(), **more)
    if "autosave" in request.POST:
        return _autosave(page)
    return _continue(page, **more)


def _continue(page: Page, **more: Any) -> HttpResponse:
    """Save what is fine; come back with everything typed when something is not."""
    form = page.form(page.request.POST)
    is_valid = form.is_valid()
    try:
        page.save(form.good(form.fields), is_finished=True)
    except ChangedMeanwhileError as meanwhile:
        return page.show(form, status=409, meanwhile=_who_and_when(page, meanwhile), **more)
    if not is_valid:
        return page.show(form, status=422, **more)
    return redirect("requests:task_list", page.opinion_request.pk)


def _autosave(page: Page) -> JsonResponse:
    """Keep the touched answers that are fine; say what is wrong with the others."""
    touched = page.form(page.request.POST).touched(page.request.POST)
    form = page.form(_filled_up(page, touched))
    form.allow_blanks()
    form.is_valid()
    try:
        version = page.save(form.good(touched), is_finished=False)
    except ChangedMeanwhileError as meanwhile:
        return JsonResponse({"message": _who_and_when(page, meanwhile)}, status=409)
    except Refused as refused:
        return JsonResponse({"message": refused.reason}, status=409)
    wrong = [name for name in touched if name in form.errors]
    if not wrong:
        return JsonResponse({"set": {"version": str(version)}})
    sentence = f"{form.fields[wrong[0]].label}: {form.errors[wrong[0]][0]}"
    message = _("Not saved yet: %(what)s") % {"what": sentence}
    return JsonResponse({"message": message, "set": {"version": str(version)}}, status=422)


def _filled_up(page: Page, touched: list[str]) -> QueryDict:
    """The posted part on top of what is stored: autosave sends only what changed, and of a date
    only the box that changed.
    """
    data = QueryDict(mutable=True)
    empty = page.form()
    for name in empty.fields:
        bound = empty[name]
        parts, stored = empty.parts_of(name), bound.value()
        if len(parts) > 1:
            for part, value in zip(parts, bound.field.widget.decompress(stored), strict=True):
                data[part] = "" if value is None else str(value)
        elif isinstance(stored, list):
            data.setlist(name, stored)
        elif stored is not False:
            data[name] = "" if stored is None else str(stored)
        for part in parts:
            if name in touched and part in page.request.POST:
                posted = page.request.POST.getlist(part)
                data.setlist(
                    part,
                    [value for value in posted if value] if isinstance(stored, list) else posted,
                )
    return data


def _who_and_when(page: Page, meanwhile: ChangedMeanwhileError) -> str:
    who = (
        _("you, on another page")
        if meanwhile.by == page.request.user
        else meanwhile.by.display_name
    )
    return _(
        "This part was changed by %(who)s at %(when)s. What you typed is still here. Save again to"
        " keep yours, or go back to see the other version."
    ) % {"who": who, "when": exact_time(meanwhile.at)}


def about(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _section(request, pk, "about")


def told(request: HttpRequest, pk: UUID) -> HttpResponse:
    if "search_icd10" in request.POST:
        return _search_in_page(request, pk)
    page = own_request(request, pk)
    diagnosis = intake.told(page)["icd10_code"]
    return _section(request, pk, "told", chosen=find_code(diagnosis) if diagnosis else None)


def _search_in_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Without JavaScript: keep everything, and list the codes under the box."""
    page = _open(request, pk, "told")
    if isinstance(page, HttpResponse):
        return page
    form = page.form(request.POST)
    form.allow_blanks()
    form.is_valid()
    try:
        page.save(form.good(set(form.fields) - {"icd10_code"}), is_finished=False)
    except ChangedMeanwhileError as meanwhile:
        return page.show(form, status=409, meanwhile=_who_and_when(page, meanwhile))
    typed = request.POST.get("icd10_code", "")
    form.errors.pop("icd10_code", None)
    return page.show(form, show_list=True, icd10_results=search(typed))


def questions(request: HttpRequest, pk: UUID) -> HttpResponse:
    move, _colon, number = request.POST.get("do", "").partition(":")
    if move in MOVES:
        return _move_questions(request, pk, move, int(number) if number.isdigit() else 0)
    typed = request.POST.getlist("question") if request.method == "POST" else None
    return _section(request, pk, "questions", **_rows(request, pk, typed))


def _rows(request: HttpRequest, pk: UUID, typed: list[str] | None) -> dict[str, Any]:
    """Eight boxes, as many of them in sight as are used and one at least."""
    if typed is None:
        typed = intake.questions(own_request(request, pk))["question"]
    texts = questions_typed(typed)
    asked = request.GET.get("boxes", "")
    shown = max(len(texts), min(int(asked), MAX_QUESTIONS) if asked.isdigit() else 1, 1)
    texts += [""] * (MAX_QUESTIONS - len(texts))
    return {
        "question_rows": [
            {"number": number, "text": text, "is_hidden": number > shown}
            for number, text in enumerate(texts, start=1)
        ],
        "question_limit": QuestionsField.max_length,
    }


def _move_questions(request: HttpRequest, pk: UUID, move: str, number: int) -> HttpResponse:
    """Add, remove or reorder without JavaScript; all that was typed is kept on the way."""
    page = _open(request, pk, "questions")
    if isinstance(page, HttpResponse):
        return page
    data = request.POST.copy()
    texts = [text for text in data.getlist("question") if text.strip()]
    at = number - 1
    if move == "remove" and 0 <= at < len(texts):
        texts.pop(at)
    elif move in ("up", "down"):
        other = at - 1 if move == "up" else at + 1
        if 0 <= at < len(texts) and 0 <= other < len(texts):
            texts[at], texts[other] = texts[other], texts[at]
    data.setlist("question", texts)
    boxes = len(texts) + (move == "add")
    form = page.form(data)
    form.allow_blanks()
    is_valid = form.is_valid()
    try:
        page.save(form.good(form.fields), is_finished=False)
    except ChangedMeanwhileError as meanwhile:
        rows = _rows(request, pk, texts)
        return page.show(form, status=409, meanwhile=_who_and_when(page, meanwhile), **rows)
    if not is_valid:
        return page.show(form, status=422, **_rows(request, pk, texts))
    focus = f"#id_question_{min(boxes, MAX_QUESTIONS)}" if move == "add" else "#questions"
    return redirect(f"{reverse('requests:questions', args=[pk])}?boxes={boxes}{focus}")


def records(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    case_file = opinion_request.case_file
    verdict = rules.may_add_records(request.user, opinion_request)
    documents = case_file.documents.exclude(status="removed").select_related("name")
    context = {
        "opinion_request": opinion_request,
        "case_file": case_file,
        "documents": documents.order_by("received_at", "pk"),
        "may_add": verdict,
        "is_writing": bool(rules.may_edit(request.user, opinion_request)),
        "task_list_url": reverse("requests:task_list", args=[pk]),
    }
    return render(request, "requests_app/records.html", context)


def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    state = intake.told(own_request(request, pk))["treatment_state"]
    return _section(request, pk, "review", has_treatment_begun=state in ("started", "finished"))


def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    patient_name = opinion_request.case_file.patient.full_name
    names = [patient_name, request.user.full_name]  # type: ignore[union-attr]
    form = TruthForm(request.POST or None, names=names)
    if request.method == "POST":
        return _send(request, opinion_request, form)
    if not rules.may_edit(request.user, opinion_request):
        return redirect(opinion_request)
    return _check_page(request, opinion_request, form)


def _send(request: HttpRequest, opinion_request: OpinionRequest, form: TruthForm) -> HttpResponse:
    if not rules.may_edit(request.user, opinion_request):
        rules.may_submit(request.user, opinion_request).or_raise()  # says that it is sent already
    if what_is_missing(opinion_request) or not form.is_valid():
        return _check_page(request, opinion_request, form, status=422)
    name = form.cleaned_data["truth_name"]
    sent = workflow.submit(opinion_request, truth_name=name, by=request.user)
    return redirect(f"{sent.get_absolute_url()}?sent=1")


def _expected(opinion_request: OpinionRequest) -> Grade | None:
    """How far a sealed review can be sealed, as well as it can be told before we have looked."""
    is_sealed = opinion_request.review_mode == OpinionRequest.ReviewMode.SEALED
    return grade_of(opinion_request.case_file, is_estimate=True) if is_sealed else None


def _check_page(
    request: HttpRequest, opinion_request: OpinionRequest, form: TruthForm, *, status: int = 200
) -> HttpResponse:
    routes = {section.key: section.route for section in SECTIONS}
    missing = [
        {"sentence": lack.sentence, "url": reverse(routes[lack.section], args=[opinion_request.pk])}
        for lack in what_is_missing(opinion_request)
    ]
    context = {
        "opinion_request": opinion_request,
        "parts": summary(opinion_request),
        "missing": missing,
        "form": form,
        "for_other": opinion_request.case_file.patient.user_id != request.user.pk,
        "task_list_url": reverse("requests:task_list", args=[opinion_request.pk]),
        "expected": _expected(opinion_request),
    }
    return render(request, "requests_app/check.html", context, status=status)


def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    if opinion_request.status != OpinionRequest.Status.DRAFT:
        return redirect(opinion_request)
    if request.method == "POST":
        workflow.discard(opinion_request, by=request.user)
        return redirect("requests:mine")
    return render(request, "requests_app/discard.html", {"opinion_request": opinion_request})
