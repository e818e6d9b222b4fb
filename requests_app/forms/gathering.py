"""Forms of the pages about what is still needed. Used by `requests_app.views.gathering`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from requests_app.models import ItemStatement
from secondop.lib.forms import CountedTextarea, Radios


class AnswerForm(forms.Form):
    """About one item: whether it applies, or an answer in words. `asks` is which of the two a page
    shows; what is posted may be either.
    """

    name = forms.CharField(max_length=90, widget=forms.HiddenInput)
    applies = forms.ChoiceField(
        label=_("Your answer"), choices=ItemStatement.Applies.choices, required=False,
        widget=Radios,
    )  # fmt: skip
    words = forms.CharField(
        label=_("Your answer"), max_length=2000, required=False, widget=CountedTextarea(rows=3)
    )

    def __init__(self, *args: Any, asks: str = "", label: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks:
            del self.fields["words" if asks == "applies" else "applies"]
            self.fields[asks].label, self.fields[asks].required = label, True
        name = (self.initial or {}).get("name", "")
        if name:  # many of these forms stand on one page
            self.auto_id = f"id_{name.replace('.', '_')}_%s"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("applies") and not (data.get("words") or "").strip():
            raise forms.ValidationError(_("Choose an answer or write one."))
        return data


class WaiveForm(forms.Form):
    name = forms.CharField(max_length=90, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why we go on without it"),
        help_text=_("The patient reads this."),
        max_length=500,
        widget=CountedTextarea(rows=2),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = (self.initial or {}).get("name", "")
        if name:
            self.auto_id = f"id_{name.replace('.', '_')}_%s"


class ChecklistForm(forms.Form):
    content = forms.CharField(
        label=_("The checklist, as YAML"),
        help_text=_("Change the version when you change anything else."),
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false", "class": "so-code"}),
        strip=False,
    )


class SignForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the clinician who has read it and answers for it"), max_length=150
    )
