"""The independent opinion: the part that will be sealed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from records.icd10_field import Icd10Field
from secondop.lib.forms import CountedTextarea, RadioTiles
from specialists.models import Opinion


class IndependentForm(forms.Form):
    """Nothing is required while writing; the seal asks for what is missing."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    diagnosis = forms.CharField(
        label=_("Your diagnosis, in words"),
        help_text=_(
            "As precise as the records allow. “Cannot be told from these records” is fine."
        ),
        max_length=300,
        required=False,
    )
    icd10_code = Icd10Field(
        label=_("ICD-10-CM code"), help_text=_("Search by words or by code, for example C50.")
    )
    certainty = forms.ChoiceField(
        label=_("How certain are you?"),
        choices=Opinion.Certainty.choices,
        required=False,
        widget=RadioTiles(),
    )
    reasoning = forms.CharField(
        label=_("What your diagnosis rests on"),
        help_text=_("Which finding in which document. Name the documents as they are called here."),
        max_length=8000,
        required=False,
        widget=CountedTextarea(rows=7),
    )
    differential = forms.CharField(
        label=_("What else it could be, and why less likely"),
        max_length=4000,
        required=False,
        widget=CountedTextarea(rows=4),
    )
    plan = forms.CharField(
        label=_("What you would do next"),
        help_text=_("Treatment or watching, in which order, how soon."),
        max_length=8000,
        required=False,
        widget=CountedTextarea(rows=7),
    )
    further_tests = forms.CharField(
        label=_("Tests you would want first"),
        max_length=4000,
        required=False,
        widget=CountedTextarea(rows=3),
    )

    @classmethod
    def of(cls, opinion: Opinion, data: Any = None) -> IndependentForm:
        kept = {name: getattr(opinion, name) for name in Opinion.SEALED_FIELDS}
        return cls(data, initial=kept | {"version": opinion.version})

    def kept(self) -> dict[str, Any]:
        """The cleaned values of those fields that were sent."""
        sent = [name for name in Opinion.SEALED_FIELDS if name in self.data]
        return {name: self.cleaned_data[name] for name in sent if name in self.cleaned_data}


class RevisionForm(forms.Form):
    """One sealed field after the reveal: what it says now, what it shall say, and why."""

    after = forms.CharField(widget=CountedTextarea(rows=7), required=False)
    reason = forms.CharField(
        label=_("Why do you change it?"),
        help_text=_("The report prints what you sealed, what you changed and this reason."),
        max_length=1000,
        widget=CountedTextarea(rows=3),
    )

    def __init__(self, opinion: Opinion, name: str, data: Any = None) -> None:
        super().__init__(data, initial={"after": getattr(opinion, name)})
        field = IndependentForm().fields[name]
        if name == "diagnosis":
            field.widget = CountedTextarea(rows=2)
        field.label = _("What it shall say")
        field.help_text = ""
        field.required = name in ("diagnosis", "certainty", "reasoning", "plan")
        self.fields["after"] = field
        self.name = name
