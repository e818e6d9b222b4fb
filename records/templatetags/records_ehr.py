"""`{% ehr_offers case_file as offers %}`: hospitals where this patient can sign in, for buttons."""

from __future__ import annotations

from typing import Any

from django import template

from records.analytes import folded
from records.ehr.pages import offered_to
from records.models import CaseFile, Ehr

register = template.Library()


@register.simple_tag(takes_context=True)
def ehr_offers(context: dict[str, Any], case_file: CaseFile) -> list[Ehr]:
    """Nothing for anybody but the patient's side."""
    return list(offered_to(context["request"].user, case_file))


@register.filter
def of_holder(offers: list[Ehr], name: str) -> Ehr | None:
    """The system of the record holder of this name."""
    return next((one for one in offers if folded(one.title) == folded(name)), None)
