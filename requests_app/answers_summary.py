"""All answers as rows of a summary list, each with the page where it can be changed."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from records.icd10 import find_code
from requests_app import intake
from requests_app.forms.answers import FORMS
from requests_app.models import OpinionRequest
from requests_app.sections import SECTIONS
from secondop.lib.templatetags.ui import exact_time

DETAILS = {"allergies": "has_allergies", "implants": "has_implants",
           "anticoagulants": "takes_anticoagulants"}  # fmt: skip


def summary(opinion_request: OpinionRequest) -> list[dict[str, Any]]:
    """One part for each section: `{title, rows}` as `components/summary_list.html` draws them."""
    return [
        {"title": section.title, "rows": _rows(opinion_request, section.key, section.route)}
        for section in SECTIONS
    ]


def _rows(opinion_request: OpinionRequest, key: str, route: str) -> list[dict[str, Any]]:
    url = reverse(route, args=[opinion_request.pk])
    if key == "records":
        return [{"label": _("Records"), "items_list": _records(opinion_request), "change_url": url}]
    answers = intake.READ[key](opinion_request)
    rows = []
    for name, field in FORMS[key].base_fields.items():
        value = answers[name]
        if name in DETAILS and answers[DETAILS[name]] != "yes":
            continue
        if name == "was_not_named" and not value:
            continue
        said = _said(name, field, value)
        shown = "items_list" if isinstance(said, list) else "value"
        rows.append({"label": field.label, shown: said, "change_url": url})
    return rows


def _said(name: str, field: Any, value: Any) -> str | list[str]:
    if value is True:
        return _("Yes")
    choices = dict(getattr(field, "choices", ()))
    if isinstance(value, list):
        return [str(choices.get(item, item)) for item in value]
    if name == "icd10_code" and value and (code := find_code(value)):
        return f"{code.code}: {code.title}"
    if hasattr(value, "year"):
        return exact_time(value)
    return str(choices.get(value, value) if value else "")


def _records(opinion_request: OpinionRequest) -> list[str]:
    documents = opinion_request.case_file.documents.exclude(status__in=["removed", "rejected"])
    return [
        f"{document.name.file_name} ({document.get_kind_display()})"
        for document in documents.select_related("name").order_by("received_at")
    ]
