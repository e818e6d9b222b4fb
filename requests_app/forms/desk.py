"""Forms of the blinding desk: one item, one answer. Used by `requests_app.views.preparing`."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from records.blinding_search.asking import hits_in_words
from records.models import CaseFile
from requests_app.models import DeskDecision
from secondop.lib.forms import CountedTextarea

Choice = DeskDecision.Choice
ACTIONS = (*Choice.values, "undo", "agree", "not_agree", "show_copy")


class ItemForm(forms.Form):
    """Which item, and what the page had seen of it."""

    item = forms.CharField(max_length=60, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)
    page = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)


class DecideForm(ItemForm):
    action = forms.ChoiceField(
        choices=[(action, action) for action in ACTIONS],
        error_messages={
            "required": _("Choose one. Until you do, it is withheld."),
            "invalid_choice": _("Choose one. Until you do, it is withheld."),
        },
    )
    title = forms.CharField(
        label=_("Neutral title"),
        help_text=_("For example “MRI report, March 2026”. Without a diagnosis or a name."),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    wording = forms.CharField(
        label=_("Neutral words"),
        help_text=_("The same question without what the first doctor said."),
        required=False,
        max_length=1000,
        widget=CountedTextarea(rows=3),
    )
    looked = forms.BooleanField(label=_("I have looked at the pictures"), required=False)
    sure = forms.BooleanField(
        label=_("I have read my words again: use them as they are"), required=False
    )

    def __init__(self, *args: Any, case_file: CaseFile | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case_file = case_file
        self.hits: list[str] = []

    def clean(self) -> dict[str, Any]:
        """What a person writes in place of the original is searched like the original."""
        cleaned = super().clean() or {}
        action = cleaned.get("action")
        if action == Choice.NEUTRAL and not cleaned.get("wording"):
            self.add_error("wording", _("Write the neutral words, or choose another answer."))
        if action not in DeskDecision.SHOWS or cleaned.get("sure"):
            return cleaned
        written = {"title": cleaned.get("title", "")}
        if action == Choice.NEUTRAL:
            written["wording"] = cleaned.get("wording", "")
        for name, text in written.items():
            found = hits_in_words(self.case_file, text) if self.case_file and text else []
            if words := list(dict.fromkeys(word for word, _phrase in found)):
                self.hits += words
                self.add_error(name, _("This contains: %s.") % ", ".join(words))
        return cleaned

    @property
    def neutral(self) -> str:
        return str(self.cleaned_data.get("title") or self.cleaned_data.get("wording") or "")


class CoverForm(ItemForm):
    """Places to cover: hits, a drawn box, lines of the page, a phrase; or areas to give back."""

    action = forms.ChoiceField(
        choices=[(name, name) for name in ("page", "all", "hits", "box", "lines", "phrase",
                                           "remove", "remove_all")]
    )  # fmt: skip
    box = forms.CharField(max_length=60, required=False)
    phrase = forms.CharField(
        label=_("Words to cover wherever they stand"), max_length=300, required=False
    )

    def clean_box(self) -> tuple[float, ...]:
        """Four fractions of the page: left, top, right, bottom."""
        text = self.cleaned_data["box"]
        if not text:
            return ()
        numbers = re.findall(r"[0-9]*\.?[0-9]+", text)
        if len(numbers) != 4 or len(text) > 60:
            raise forms.ValidationError(_("This box covers nothing. Draw it again."))
        return tuple(float(number) for number in numbers)
