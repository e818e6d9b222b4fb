"""Forms of the page about slides and blocks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from records.models import RecordHolder, Specimen
from records.specimen_workflow import FIELDS

PIECES_AT_MOST = 500


class SpecimenForm(forms.Form):
    kind = forms.ChoiceField(label=_("What is it?"), choices=Specimen.Kind.choices)
    accession = forms.CharField(label=_("The laboratory's number of the case"), max_length=60)
    label = forms.CharField(
        label=_("Which slides or blocks?"), max_length=200, required=False,
        help_text=_("For example: H&E and HER2 of the left breast."),
    )  # fmt: skip
    holder = forms.ModelChoiceField(
        label=_("Which laboratory?"), queryset=RecordHolder.objects.none(), required=False,
        empty_label=_("Not on the list"),
    )  # fmt: skip

    def __init__(self, *args: Any, holders: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["holder"]
        choice.queryset = holders
        choice.label_from_instance = lambda holder: holder.name


class StepForm(forms.Form):
    """One step of one parcel; fields that do not go with it are not there."""

    count = forms.IntegerField(
        label=_("How many pieces?"), min_value=0, max_value=PIECES_AT_MOST,
        widget=forms.TextInput(attrs={"class": "usa-input--xs", "inputmode": "numeric"}),
    )  # fmt: skip
    courier = forms.CharField(label=_("Courier"), max_length=60, required=False)
    tracking = forms.CharField(label=_("Tracking number"), max_length=60, required=False)
    condition = forms.CharField(
        label=_("Condition"), max_length=300, required=False,
        help_text=_("For example: one slide is cracked."),
    )  # fmt: skip
    return_due_on = forms.DateField(
        label=_("Must be back by"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, new: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = {
            name.removeprefix("return_") if name.endswith(("courier", "tracking"))
            else "count" if name.startswith("count_") else name: name
            for name in FIELDS[new]
        }  # fmt: skip
        for name in list(self.fields):
            if name not in self.of:
                del self.fields[name]

    def told(self) -> dict[str, Any]:
        """Under the names of the columns."""
        return {column: self.cleaned_data[name] for name, column in self.of.items()}
