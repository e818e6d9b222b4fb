"""A value that somebody reads off a paper: the form, and the two steps on it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import rules
from records.analytes import analytes
from records.documents import title_of
from records.facts.reading import digest
from records.models import CaseFile, ClinicalFact, Document
from records.proxies import on_behalf_of
from secondop.audit.trail import note
from secondop.lib.forms import ComboBox, MemorableDateField

FIGURE = re.compile(r"([<>]?)\s*(\d{1,9}(?:[.,]\d{1,6})?)")


class ValueForm(forms.Form):
    analyte = forms.ChoiceField(label=gettext_lazy("What was measured"), widget=ComboBox)
    value = forms.CharField(
        label=gettext_lazy("Value"), max_length=20,
        help_text=gettext_lazy("As it is printed, for example 4.2 or < 0.01."),
        widget=forms.TextInput(attrs={"class": "usa-input--sm", "inputmode": "decimal"}),
    )  # fmt: skip
    unit = forms.CharField(
        label=gettext_lazy("Unit"), max_length=40, required=False,
        help_text=gettext_lazy("As it is printed, for example ng/mL."),
        widget=forms.TextInput(attrs={"class": "usa-input--sm"}),
    )  # fmt: skip
    on = MemorableDateField(label=gettext_lazy("Day of the test"), not_future=True)
    document = forms.ChoiceField(label=gettext_lazy("Which file it is in"))
    page = forms.IntegerField(
        label=gettext_lazy("Page"), min_value=1, required=False,
        widget=forms.TextInput(attrs={"class": "usa-input--2xs", "inputmode": "numeric"}),
    )  # fmt: skip

    def __init__(self, *args: Any, documents: list[Document], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.documents = {str(document.pk): document for document in documents}
        known: Any = self.fields["analyte"]
        known.choices = [("", ""), *((one.key, one.name) for one in analytes().values())]
        choices = [(pk, title_of(document)) for pk, document in self.documents.items()]
        files: Any = self.fields["document"]
        files.choices = [("", _("Choose a file")), *choices]

    def clean_value(self) -> str:
        typed: str = self.cleaned_data["value"].strip()
        if not FIGURE.fullmatch(typed):
            raise forms.ValidationError(_("Write a number, for example 4.2 or < 0.01."))
        return typed.replace(",", ".")

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        analyte = analytes().get(typed.get("analyte", ""))
        if analyte and "unit" in typed and analyte.converted(Decimal(1), typed["unit"]) is None:
            text = _("This value is not measured in that unit. For example, write %(unit)s.")
            self.add_error("unit", text % {"unit": analyte.unit})
        document = self.documents.get(typed.get("document", ""))
        pages = document.page_count if document else None
        if pages and (typed.get("page") or 1) > pages:
            text = _("This file has fewer pages. Its last page is %(number)s.")
            self.add_error("page", text % {"number": pages})
        return typed


def documents_of(case_file: CaseFile) -> list[Document]:
    """Papers a value can stand in. An electronic record tells its values itself."""
    rows = case_file.documents.available().filter(parent=None, page_count__gt=0)
    return list(rows.select_related("name").order_by("received_at", "pk"))


@transaction.atomic
def add_value(case_file: CaseFile, typed: dict[str, Any], document: Document, *, by: Any) -> None:
    """Write one value that stands in a document. The same one again changes nothing."""
    rules.may_add_records(by, case_file).or_raise()
    sign, figure = FIGURE.fullmatch(typed["value"]).groups()  # type: ignore[union-attr]
    analyte = analytes()[typed["analyte"]]
    fact = ClinicalFact(
        clinic_id=case_file.clinic_id, case_file=case_file, kind=ClinicalFact.Kind.LAB,
        text=analyte.en, analyte=analyte.key, unit=typed["unit"], on=typed["on"],
        value=None if sign else Decimal(figure), value_text=f"{sign} {figure}" if sign else "",
        document=document, page=typed["page"], by=by,
    )  # fmt: skip
    fact.same_as = digest(fact)
    told: dict[str, Any] = {"case_file": case_file, "document": document, "place": ""}
    if ClinicalFact.objects.filter(same_as=fact.same_as, **told).exists():
        return
    fact.save()
    acting_for = on_behalf_of(by, case_file.patient)
    note("fact.added", by=by, about=document, on_behalf_of=acting_for)


@transaction.atomic
def take_back(fact: ClinicalFact, *, by: Any) -> None:
    """Remove a value that was typed by hand. What a record says itself stays."""
    rules.may_add_records(by, fact.case_file).or_raise()
    if not fact.by_id:
        return
    acting_for = on_behalf_of(by, fact.case_file.patient)
    note("fact.removed", by=by, about=fact.document or fact.case_file, on_behalf_of=acting_for)
    fact.delete()
