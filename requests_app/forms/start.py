"""Forms of the first pages: safety questions, then clinic, limits and for whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.models import Proxy
from secondop.accounts.models import Clinic
from secondop.lib.forms import MemorableDateField, Radios, not_in_the_past

YES_NO = [("no", _("No")), ("yes", _("Yes"))]
LONGEST_PROXY = timedelta(days=5 * 366)


def _yes_no(label: Any, hint: Any) -> Any:
    return forms.ChoiceField(label=label, help_text=hint, choices=YES_NO, widget=Radios)


class SafetyForm(forms.Form):
    """PRIVACY: the answers decide which page comes next and are kept nowhere."""

    signs = _yes_no(
        _("Is any of this happening now?"),
        _("Chest pain. Trouble breathing. A drooping face, a weak arm or trouble speaking."
          " Heavy bleeding. Fainting. A sudden, very strong headache."),
    )  # fmt: skip
    worse = _yes_no(
        _("Has it become much worse in the last day?"),
        _("For example very strong pain, high fever, new confusion, or you can no longer stand."),
    )
    child = _yes_no(
        _("Is this about a baby or a child who is very ill now?"),
        _("For example hard to wake, not drinking, breathing fast, or blue lips."),
    )
    harm = _yes_no(
        _("Are you thinking of hurting yourself or ending your life?"),
        _("Many people feel this way after bad news. There is help at any hour."),
    )

    @property
    def is_emergency(self) -> bool:
        return "yes" in self.cleaned_data.values()


class BeginForm(forms.Form):
    clinic = forms.ModelChoiceField(
        label=_("Which clinic?"), queryset=Clinic.objects.none(), widget=Radios, empty_label=None
    )
    for_whom = forms.ChoiceField(
        label=_("Who is this for?"),
        choices=[("me", _("For me")), ("other", _("For somebody I act for"))],
        widget=Radios,
    )
    patient_name = forms.CharField(
        label=_("Full name of the patient"), max_length=150, required=False,
        widget=forms.TextInput(attrs={"class": "usa-input--xl", "autocomplete": "off"}),
    )  # fmt: skip
    authority = forms.ChoiceField(
        label=_("Why may you act for this person?"), choices=Proxy.Authority.choices,
        widget=Radios, required=False,
    )  # fmt: skip
    until = MemorableDateField(
        label=_("Until when?"), required=False,
        help_text=_("After this day you can no longer see the request. A year is common."),
    )  # fmt: skip
    accepts = forms.BooleanField(
        label=_("I have read this, and it is not an emergency."),
        error_messages={"required": _("Please read the points above and tick this box.")},
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        clinics = Clinic.objects.filter(is_open=True)
        field: Any = self.fields["clinic"]
        field.queryset = clinics
        found = list(clinics[:2])
        if len(found) == 1:
            field.initial = found[0].pk

    def clean_until(self) -> date | None:
        until: date | None = self.cleaned_data["until"]
        if until:
            not_in_the_past(until)
        if until and until > timezone.localdate() + LONGEST_PROXY:
            raise forms.ValidationError(_("The longest time is five years. Check the year."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("for_whom") == "other":
            needed = {
                "patient_name": _("Write the name of the patient."),
                "authority": _("Choose why you may act for this person."),
                "until": _("Write until when you act for this person."),
            }
            for name, sentence in needed.items():
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, sentence)
        return cleaned
