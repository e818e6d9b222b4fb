"""Forms of the coordinators' pages about specialists. Used by `specialists.views.referring`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea

MINUTES = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A date and a time of day, in the reader's own time zone."""

    default_error_messages = {
        "required": _("Choose a date and a time."),
        "invalid": _("Write the date and time like 2026-11-24 14:00."),
    }

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)
        formats = [MINUTES, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        super().__init__(widget=widget, input_formats=formats, **kwargs)


class ReferForm(forms.Form):
    """One offer. `sure` is asked for only when the summary holds words that give away."""

    to = forms.UUIDField(
        error_messages={
            "required": _("Choose a specialist."),
            "invalid": _("Choose a specialist from the list."),
        },
        widget=forms.HiddenInput,
        label=_("Specialist"),
    )
    summary = forms.CharField(
        label=_("What the offer says"),
        help_text=_(
            "Neutral words: no diagnosis, no name, no hospital. "
            "The specialist reads this before taking it."
        ),
        max_length=1000,
        widget=CountedTextarea(rows=4),
        error_messages={"required": _("Write a sentence or two, so that they can decide.")},
    )
    answer_by = MomentField(label=_("Take or decline by"))
    review_by = MomentField(label=_("Opinion due by"))
    sure = forms.BooleanField(label=_("I have read it again: send it as it is"), required=False)

    def clean_answer_by(self) -> datetime:
        return _future(self.cleaned_data["answer_by"])

    def clean_review_by(self) -> datetime:
        return _future(self.cleaned_data["review_by"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        answer_by, review_by = cleaned.get("answer_by"), cleaned.get("review_by")
        if answer_by and review_by and review_by <= answer_by:
            self.add_error("review_by", _("The opinion must be due after the answer to the offer."))
        return cleaned


def _future(moment: datetime) -> datetime:
    if moment <= timezone.now():
        raise ValidationError(_("This time has passed. Choose one in the future."))
    return moment


class WhyForm(forms.Form):
    """The reason for a step after delivery."""

    text = forms.CharField(
        label=_("Why?"),
        max_length=2000,  # StatusChange.reason
        widget=CountedTextarea(rows=6),
        error_messages={"required": _("Write why. It becomes part of the history.")},
    )


class AmendForm(WhyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("What must be changed, and why?")
        self.fields["text"].help_text = _(
            "The authors of the report and the patient read this word for word."
        )


class FurtherOpinionForm(WhyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("Why is one more opinion needed?")
        self.fields["text"].help_text = _("The patient reads this word for word.")


class SpecialistMessageForm(forms.Form):
    text = forms.CharField(
        label=_("Your message"),
        max_length=4000,
        widget=CountedTextarea(rows=5),
        error_messages={"required": _("Write a message first.")},
    )
    sure = forms.BooleanField(label=_("I have read it again: send it as it is"), required=False)
