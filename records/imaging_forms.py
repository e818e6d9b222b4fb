"""Forms of the pages about images."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea

RECTANGLES_AT_MOST = 20
DAYS_AT_MOST = 90


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why are these images taken back?"),
        help_text=_("For example: they are of somebody else. The clinic can read this."),
        max_length=300,
        widget=CountedTextarea(rows=3),
    )


class InletForm(forms.Form):
    """Who may send, and until when."""

    name = forms.CharField(
        label=_("Which hospital sends the images?"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "usa-input--xl", "autocomplete": "organization"}),
    )
    days = forms.IntegerField(
        label=_("For how many days may it send?"),
        help_text=_("At most 90. Two weeks are enough for most."),
        min_value=1,
        max_value=DAYS_AT_MOST,
        initial=14,
        widget=forms.TextInput(attrs={"class": "usa-input--xs", "inputmode": "numeric"}),
    )

    def until(self) -> Any:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])


class CoverForm(forms.Form):
    """Rectangles in thousandths of width and height: "left,top,right,bottom; ..."."""

    rectangles = forms.CharField(
        label=_("Places to cover"),
        help_text=_(
            "Left, top, right and bottom in thousandths of the picture, one place a line. "
            "Drawing on the picture fills this in."
        ),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "usa-textarea", "data-cover-places": ""}),
    )

    def clean_rectangles(self) -> list[list[int]]:
        found = []
        for line in re.split(r"[;\n]+", self.cleaned_data["rectangles"]):
            if not line.strip():
                continue
            numbers = re.findall(r"[0-9]{1,4}", line)
            if not re.fullmatch(r"[0-9,.\s]+", line) or len(numbers) != 4:
                raise forms.ValidationError(_("Write four numbers from 0 to 1000 for each place."))
            left, top, right, bottom = map(int, numbers)
            if not (left < right <= 1000 and top < bottom <= 1000):
                raise forms.ValidationError(
                    _("Left must be less than right, and top less than bottom, up to 1000.")
                )
            found.append([left, top, right, bottom])
        if not found:
            raise forms.ValidationError(_("Mark at least one place."))
        if len(found) > RECTANGLES_AT_MOST:
            raise forms.ValidationError(_("Mark at most 20 places."))
        return found
