"""The form for one more word on a clinic's list. Used by `records.views.giveaway_terms`."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from records.models import GiveawayTerm


class TermForm(forms.Form):
    term = forms.CharField(
        label=_("Word or phrase"),
        max_length=120,
        min_length=2,
        help_text=_("As it stands in records. Case, accents and plurals do not matter."),
    )
    kind = forms.ChoiceField(label=_("What it is"), choices=GiveawayTerm.Kind.choices)
    language = forms.ChoiceField(
        label=_("Language"), choices=GiveawayTerm.Language.choices, required=False
    )
    concept = forms.ChoiceField(label=_("Which list"))
    new_concept = forms.CharField(
        label=_("Name of the new list"), max_length=40, required=False,
        help_text=_("Only for a new list, for example: Celiac disease."),
    )  # fmt: skip
    icd10_prefixes = forms.CharField(
        label=_("ICD-10 codes that this list is for"), max_length=100, required=False,
        help_text=_("How the codes begin, with blanks between them, for example: K90.0 K90.4."),
    )  # fmt: skip

    def __init__(self, *args: Any, concepts: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["concept"]
        chosen.choices = [*concepts, ("", _("A new list"))]
        chosen.required = False

    def clean_term(self) -> str:
        term = " ".join(self.cleaned_data["term"].split())
        if not re.search(r"[^\W\d_]", term):
            raise forms.ValidationError(_("Write at least one letter."))
        return term

    def clean_icd10_prefixes(self) -> list[str]:
        prefixes: list[str] = self.cleaned_data["icd10_prefixes"].upper().split()
        if not all(re.fullmatch(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{0,4})?", p) for p in prefixes):
            raise forms.ValidationError(_("Write codes like K90 or K90.0, with blanks between."))
        return prefixes

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if not typed.get("concept"):
            typed["concept"] = slugify(typed.get("new_concept", "")).replace("-", "_")[:40]
            if not typed["concept"]:
                self.add_error("new_concept", _("Write a name for the new list, or choose one."))
        return typed
