"""The form that lets somebody act for a patient. Used by `views/proxies.py` only."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.models import Patient, Proxy
from records.proxies import LONGEST
from secondop.lib.forms import CountedTextarea, MemorableDateField, Radios, not_in_the_past

WORDS_FOR_THE_PATIENT = {
    Proxy.Authority.PARENT: _("They are my parent"),
    Proxy.Authority.PERMISSION: _("I ask them to"),
    Proxy.Authority.POWER_OF_ATTORNEY: _("They have power of attorney for health care"),
    Proxy.Authority.GUARDIAN: _("A court named them as my guardian"),
}


class ProxyForm(forms.Form):
    email = forms.EmailField(
        label=_("Their e-mail address"),
        help_text=_("We write to this address. Only its owner can accept."),
    )
    authority = forms.ChoiceField(
        label=_("Why may they act?"), choices=Proxy.Authority.choices, widget=Radios
    )
    until = MemorableDateField(
        label=_("Until when?"),
        help_text=_("At most two years. You can end it at any time before."),
        validators=[not_in_the_past],
    )
    note = forms.CharField(
        label=_("Note"),
        help_text=_("For example which paper was shown, and where a copy is."),
        required=False,
        max_length=300,
        widget=CountedTextarea(rows=2),
    )

    def __init__(self, *args: Any, patient: Patient, is_patient: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient
        if is_patient:
            authority: Any = self.fields["authority"]
            authority.choices = list(WORDS_FOR_THE_PATIENT.items())
            authority.initial = Proxy.Authority.PERMISSION

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if self.patient.user and self.patient.user.email.lower() == email:
            raise ValidationError(_("This is the patient's own address. Write the helper's."))
        return email

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until > timezone.localdate() + LONGEST:
            raise ValidationError(_("Choose a day within the next two years."))
        return until
