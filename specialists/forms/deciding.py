"""Small forms around a referral: decline, write to the clinic, open the seal for safety."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea, Radios
from specialists.models import Referral


class DeclineForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why do you decline?"), choices=Referral.DeclineReason.choices, widget=Radios()
    )
    note = forms.CharField(
        label=_("Anything the clinic should know"),
        help_text=_("For example who else could be asked. The patient does not see it."),
        max_length=500,
        required=False,
        widget=CountedTextarea(rows=3),
    )


class ToClinicForm(forms.Form):
    text = forms.CharField(
        label=_("Your message"),
        help_text=_("The clinic reads it. It is never sent to the patient as it is."),
        max_length=4000,
        widget=CountedTextarea(rows=4),
    )
    needs_records = forms.BooleanField(
        label=_("I need these records before I can go on"),
        help_text=_("The clinic gathers them. Your review waits and stays yours."),
        required=False,
    )


class BreakSealForm(forms.Form):
    reason = forms.CharField(
        label=_("What danger do you see?"),
        help_text=_("The clinic reads this at once and acts on it."),
        max_length=1000,
        widget=CountedTextarea(rows=4),
    )
    is_sure = forms.BooleanField(
        label=_("A person could come to harm if this waits until I have sealed my opinion")
    )


class FollowUpAnswerForm(forms.Form):
    text = forms.CharField(
        label=_("Your answer"),
        help_text=_("The patient reads it as you write it. Use plain words."),
        max_length=4000,
        widget=CountedTextarea(rows=8),
    )
