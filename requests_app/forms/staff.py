"""Forms of the coordinators' pages. Used by `requests_app.views.{queue,triage}`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from requests_app.models import OpinionRequest
from requests_app.queue import BALL_WORDS, OPEN_STATUSES, Filters
from secondop.lib.forms import CountedTextarea, Radios

Status = OpinionRequest.Status
MESSAGE_LENGTH = 4000
REASON_LENGTH = 2000  # StatusChange.reason


class QueueFilterForm(forms.Form):
    """Filters of the queue, all optional. An address somebody edited by hand filters nothing."""

    clinic = forms.ChoiceField(label=_("Clinic"), required=False)
    status = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Any"))] + [(str(s), s.label) for s in OPEN_STATUSES],
        widget=forms.HiddenInput,
    )
    ball = forms.ChoiceField(
        label=_("Who acts next"),
        required=False,
        choices=[("", _("Anybody"))]
        + [(str(b), w) for b, w in BALL_WORDS.items() if b != "nobody"],
    )
    who = forms.ChoiceField(
        label=_("Looked after by"),
        required=False,
        choices=[("", _("Anybody")), ("mine", _("Me")), ("nobody", _("Nobody yet"))],
    )
    review_mode = forms.ChoiceField(
        label=_("Review"),
        required=False,
        choices=[("", _("Either")), ("sealed", _("Sealed")), ("open", _("Open"))],
    )
    overdue = forms.BooleanField(label=_("Overdue only"), required=False)
    urgent = forms.BooleanField(label=_("Urgent only"), required=False)

    def __init__(self, *args: Any, clinics: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clinics = clinics
        self.fields["clinic"].choices = [(str(c.pk), c.name) for c in clinics]  # type: ignore[attr-defined]
        if len(clinics) < 2:
            self.fields["clinic"].widget = forms.HiddenInput()

    def filters(self, matches: list[Any] | None = None) -> Filters:
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if name != "clinic"}
        wanted = self.cleaned_data.get("clinic")
        use = next((c for c in self.clinics if str(c.pk) == wanted), self.clinics[0])
        return Filters(clinic_id=use.pk, matches=matches, **chosen)


class SearchForm(forms.Form):
    text = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class OutcomeForm(forms.Form):
    outcome = forms.CharField(
        label=_("What came of it"),
        max_length=500,
        widget=CountedTextarea(rows=2),
        error_messages={
            "required": _("Write what came of it, for example “Called, will read it today”.")
        },
    )


class AcceptForm(forms.Form):
    urgency = forms.ChoiceField(
        label=_("How soon must this be done?"),
        choices=OpinionRequest.Urgency.choices,
        initial=OpinionRequest.Urgency.ROUTINE,
        widget=Radios,
        error_messages={"required": _("Choose routine or urgent.")},
    )


class AskPatientForm(forms.Form):
    text = forms.CharField(
        label=_("What do you need from the patient?"),
        help_text=_("The patient reads this word for word, and it stays in the history."),
        max_length=REASON_LENGTH,
        widget=CountedTextarea(rows=8),
        error_messages={"required": _("Write what you need. The patient cannot guess it.")},
    )


class AdviceForm(forms.Form):
    text = forms.CharField(
        label=_("What do you advise instead?"),
        help_text=_(
            "Say what should come first, where to get it, and that they can come back afterwards."
        ),
        max_length=REASON_LENGTH,
        min_length=30,
        widget=CountedTextarea(rows=8),
        error_messages={
            "required": _("Advice is required: a request is never returned without it."),
            "min_length": _("Say a little more, so that the patient knows what to do now."),
        },
    )


class ReadyForm(forms.Form):
    text = forms.CharField(
        label=_("What is missing, and why go on without it?"),
        help_text=_("Leave this empty when nothing is missing. The patient reads it."),
        required=False,
        max_length=REASON_LENGTH,
        widget=CountedTextarea(rows=4),
    )


class ReopenForm(forms.Form):
    text = forms.CharField(
        label=_("Why do you open it again?"),
        help_text=_("The patient reads this."),
        max_length=REASON_LENGTH,
        widget=CountedTextarea(rows=4),
        error_messages={"required": _("Write why. It becomes part of the history.")},
    )


class MessageForm(forms.Form):
    text = forms.CharField(
        label=_("Your message"),
        max_length=MESSAGE_LENGTH,
        widget=CountedTextarea(rows=5),
        error_messages={"required": _("Write a message first.")},
    )


__all__ = [
    "AcceptForm", "AdviceForm", "AskPatientForm", "MessageForm", "OutcomeForm", "QueueFilterForm",
    "ReadyForm", "ReopenForm", "SearchForm",
]  # fmt: skip
