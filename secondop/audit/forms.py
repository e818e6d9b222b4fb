"""The filter above the audit trail. Ids and references only: nothing private is in an address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.audit.sentences import SENTENCES
from secondop.lib.forms import ComboBox


class TrailFilterForm(forms.Form):
    verb = forms.ChoiceField(label=_("What"), required=False, widget=ComboBox)
    person = forms.ChoiceField(label=_("Who"), required=False, widget=ComboBox)
    case_file = forms.CharField(
        label=_("Case file or request"),
        help_text=_("For example CF-7KQ-3MF or SO-7KQ-3MF."),
        required=False,
        max_length=20,
    )
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        verbs = sorted(
            ((verb, str(words)) for verb, words in SENTENCES.items()), key=lambda v: v[1]
        )
        self.fields["verb"].choices = [("", _("Everything")), *verbs]  # type: ignore[attr-defined]
        self.fields["person"].choices = [("", _("Everybody")), *people]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day must not be before the first one."))
        return cleaned
