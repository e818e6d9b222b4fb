"""Small forms of the status page: a message, and why a request is opened again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea


class MessageForm(forms.Form):
    text = forms.CharField(
        label=_("Your message"), max_length=4000, widget=CountedTextarea(rows=5),
        error_messages={"required": _("Write your message first.")},
    )  # fmt: skip


class ReopenForm(forms.Form):
    reason = forms.CharField(
        label=_("What is new?"), max_length=2000, widget=CountedTextarea(rows=4),
        help_text=_("For example a new result, or that you changed your mind."),
        error_messages={"required": _("Tell us in a few words what is new.")},
    )  # fmt: skip
