"""Forms about several readers of one request. Used by `specialists.views.several`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea
from specialists.comparing import Axis

MOST_NEEDED = 9


class FurtherReaderForm(forms.Form):
    """Who is asked, about which points, and why it matters."""

    axes = forms.MultipleChoiceField(
        label=_("On which points do they differ so that it matters?"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one point on which the readers differ.")},
    )
    text = forms.CharField(
        label=_("Why does it matter?"),
        help_text=_("It becomes part of the history, which the patient can read."),
        max_length=2000,  # StatusChange.reason
        widget=CountedTextarea(rows=4),
        error_messages={"required": _("Write why it matters.")},
    )
    to = forms.ChoiceField(
        label=_("Who is asked"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a specialist."),
            "invalid_choice": _("Choose a specialist from the list."),
        },
    )
    summary = forms.CharField(
        label=_("What the offer says"),
        help_text=_("Neutral words. Do not say that the readers differ, or about what."),
        max_length=1000,
        required=False,
        widget=CountedTextarea(rows=3),
    )
    sure = forms.BooleanField(label=_("I have read it again: send it as it is"), required=False)

    def __init__(self, data: Any, *, axes: Iterable[Axis], people: Iterable[Any]) -> None:
        super().__init__(data)
        choices: Any = [(axis.key, axis.label) for axis in axes]
        self.fields["axes"].choices = choices  # type: ignore[attr-defined]
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (str(who.pk), f"{who.signature_name}, {who.specialty}") for who in people
        ]


class PanelForm(forms.Form):
    """Who leads, and how many opinions of each specialty the joint answer needs."""

    lead = forms.ChoiceField(
        label=_("Who leads and writes the joint answer"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose who leads."),
            "invalid_choice": _("Choose who leads from the list."),
        },
    )

    def __init__(self, data: Any, *, people: list[Any], now: dict[str, int], lead: str) -> None:
        super().__init__(data, initial={"lead": lead})
        self.fields["lead"].choices = [  # type: ignore[attr-defined]
            (str(who.pk), f"{who.signature_name}, {who.specialty}") for who in people
        ]
        self.specialties = sorted({who.specialty for who in people})
        for place, specialty in enumerate(self.specialties):
            self.fields[f"needed_{place}"] = forms.IntegerField(
                label=specialty,
                min_value=0,
                max_value=MOST_NEEDED,
                initial=now.get(specialty, 0),
                error_messages={"required": _("Write a number, 0 for none.")},
            )

    def quorum(self) -> dict[str, int]:
        return {
            specialty: int(self.cleaned_data[f"needed_{place}"])
            for place, specialty in enumerate(self.specialties)
        }


class JointAnswerForm(forms.Form):
    text = forms.CharField(
        label=_("The panel's joint answer"),
        help_text=_(
            "What you say together, where you differ, and what to do next, in plain words. "
            "The report begins with it; every opinion follows."
        ),
        max_length=8000,
        widget=CountedTextarea(rows=12),
        error_messages={"required": _("Write the joint answer first.")},
    )
