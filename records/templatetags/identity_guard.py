"""`{% identity_questions case_file as asked %}` for patients, `{% identity_open case_file as n %}`
for coordinators' pages."""

from __future__ import annotations

from django import template

from records import identity_pages
from records.models import CaseFile, Specimen

register = template.Library()


@register.simple_tag
def identity_questions(case_file: CaseFile) -> list[identity_pages.Question]:
    """PRIVACY: masked, yet for the patient's own pages only."""
    return identity_pages.questions(case_file)


@register.simple_tag
def identity_open(case_file: CaseFile) -> int:
    """How many records wait for a decision whether they are of this patient."""
    return identity_pages.count_open(case_file)


@register.simple_tag
def specimens_of(case_file: CaseFile) -> list[Specimen]:
    """Parcels of slides and blocks, for the patient's own page."""
    rows = Specimen.objects.filter(case_file=case_file).exclude(status="cancelled")
    return list(rows.order_by("made_at", "pk"))
