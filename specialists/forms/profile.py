"""A specialist's own entry: who they are to a patient, and whether they take offers now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from secondop.lib.forms import Checkboxes, CountedTextarea
from specialists.models import Specialist

LANGUAGES = [
    ("en", _("English")),
    ("es", _("Spanish")),
    ("fr", _("French")),
    ("de", _("German")),
    ("pt", _("Portuguese")),
    ("ar", _("Arabic")),
    ("zh", _("Chinese")),
]


class ProfileForm(forms.ModelForm[Specialist]):
    languages = forms.MultipleChoiceField(
        label=_("Languages you can review in"), choices=LANGUAGES, widget=Checkboxes()
    )
    biography = forms.CharField(
        label=_("What patients should know about you"),
        help_text=_("Training, what you see most. It is printed on your reports."),
        widget=CountedTextarea(rows=4),
        max_length=2000,
        required=False,
    )

    class Meta:
        model = Specialist
        fields = ["title", "specialty", "licence", "institution", "languages", "capacity",
                  "is_available", "biography"]  # fmt: skip
        labels = {
            "title": _("Title"),
            "specialty": _("Specialty"),
            "licence": _("Licence"),
            "institution": _("Where you work"),
            "capacity": _("Reviews at a time"),
            "is_available": _("I take new offers now"),
        }
        help_texts = {
            "title": _("For example Dr or Prof."),
            "specialty": _("For example Medical oncology."),
            "licence": _("Number, and where it is valid."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["licence"].required = True
        self.fields["capacity"].min_value = 1  # type: ignore[attr-defined]
        for name, width in {"title": "xs", "capacity": "xs"}.items():
            self.fields[name].widget.attrs["class"] = f"usa-input--{width}"
