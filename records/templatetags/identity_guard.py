"""`{% identity_questions case_file as asked %}` for patients, `{% identity_open case_file as n %}`
for coordinators' pages."""

from __future__ import annotations

from django import template

from records import identity_pages
from records.models import CaseFile

register = template.Library()


@register.simple_tag
def identity_questions(case_file: CaseFile) -> list[identity_pages.Question]:
    """PRIVACY: masked, yet for the patient's own pages only."""
    return identity_pages.questions(case_file)


@register.simple_tag
def identity_open(case_file: CaseFile) -> int:
    """How many records wait for a decision whether they are of this patient."""
    return identity_pages.count_open(case_file)
