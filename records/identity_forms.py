"""The form with which a coordinator says whose record it is."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from records.models import IdentityCheck
from secondop.lib.forms import CountedTextarea


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(
        label=_("Whose record is it?"),
        choices=IdentityCheck.Decision.choices,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("How do you know?"),
        help_text=_("For example: married name, seen on her passport. This stays in the trail."),
        max_length=300,
        widget=CountedTextarea(rows=2),
    )
