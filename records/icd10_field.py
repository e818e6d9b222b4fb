"""The form field for an ICD-10-CM code. Its piece is `templates/records/_icd10_field.html`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from records.icd10 import find_code


class Icd10Field(forms.CharField):
    """A code of the loaded release; cleans to the code with its dot, or to an empty text."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 120)
        kwargs.setdefault(
            "widget",
            forms.TextInput(
                attrs={"autocomplete": "off", "spellcheck": "false", "class": "usa-input--xl"}
            ),
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        typed = str(super().clean(value) or "")
        if not typed:
            return ""
        row = find_code(typed)
        if row is None:
            raise ValidationError(
                _("We do not know this code. Choose one from the list, or leave it empty."),
                code="unknown_code",
            )
        return row.code
