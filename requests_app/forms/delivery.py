"""Forms about a delivered report."""

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea

QUESTION_LENGTH = 2000  # FollowUpQuestion.text


class FollowUpForm(forms.Form):
    text = forms.CharField(
        label=_("Your question"),
        help_text=_("One question at a time is easiest to answer well."),
        max_length=QUESTION_LENGTH,
        widget=CountedTextarea(rows=5),
        error_messages={"required": _("Write your question first.")},
    )
