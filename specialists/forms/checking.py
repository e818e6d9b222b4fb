"""The quality reviewer's decision."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import CountedTextarea, RadioTiles
from specialists.models import QualityCheck

APPROVED, SENT_BACK = QualityCheck.Outcome.APPROVED, QualityCheck.Outcome.SENT_BACK
COMMENTS_LENGTH = 4000  # QualityCheck.comments


class DecideForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("Your decision"),
        choices=[(APPROVED, _("Approve and deliver")), (SENT_BACK, _("Send back"))],
        widget=RadioTiles(
            hints={
                APPROVED: _("The patient can read the report at once."),
                SENT_BACK: _("The opinion opens to its author again, with your comments."),
            }
        ),
        error_messages={"required": _("Choose what should happen to this report.")},
    )
    comments = forms.CharField(
        label=_("Comments"),
        help_text=_("The author reads them. The patient does not."),
        required=False,
        max_length=COMMENTS_LENGTH,
        widget=CountedTextarea(rows=6),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("outcome") == SENT_BACK and not cleaned.get("comments", "").strip():
            self.add_error("comments", _("Say what should be changed."))
        return cleaned
