"""USWDS form rendering: the renderer class, our widgets and the memorable date.

Any app may use it. Set `FORM_RENDERER = "secondop.lib.forms.UswdsRenderer"`; the HTML lives in
`templates/components/forms/` and `templates/django/forms/`.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core import validators
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from secondop.lib.dates import WrongDateError, read_date


class UswdsRenderer(TemplatesSetting):
    """Form, field and widget templates of ours; Django's own for the rest (`django.forms` app)."""

    form_template_name = "components/forms/form.html"
    field_template_name = "components/forms/field.html"


def speak_plainly() -> None:
    """Give Django's own fields our sentences, which say what to do. Called once at start-up."""
    forms.Field.default_error_messages["required"] = _("Please answer this.")
    forms.BooleanField.default_error_messages = {"required": _("Please tick this box to go on.")}
    one_of_these = _("Please choose one from the list.")
    for field in (forms.ChoiceField, forms.ModelChoiceField, forms.TypedChoiceField):
        field.default_error_messages = {
            **field.default_error_messages, "invalid_choice": one_of_these,
        }  # fmt: skip
    forms.IntegerField.default_error_messages = {"invalid": _("Please write a whole number.")}
    validators.EmailValidator.message = _("Please write an address such as name@example.com.")
    validators.MaxLengthValidator.message = _(
        "Please shorten this to %(limit_value)d characters. It has %(show_value)d now."
    )
    validators.MinLengthValidator.message = _(
        "Please write at least %(limit_value)d characters. It has %(show_value)d now."
    )


class _Hinted:
    """Options that may carry a line of explanation each: `hints={value: text}`."""

    hints: Mapping[Any, Any]

    def __init__(self, *args: Any, hints: Mapping[Any, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hints = dict(hints or {})

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        option["hint"] = self.hints.get(getattr(value, "value", value), "")
        return option


class Radios(_Hinted, forms.RadioSelect):
    """Radio buttons; each option may have a hint."""

    template_name = "components/forms/options.html"


class RadioTiles(Radios):
    """Radio buttons drawn as large tiles, for choices that need explaining."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["tile"] = True
        return context


class Checkboxes(_Hinted, forms.CheckboxSelectMultiple):
    """A group of checkboxes; each option may have a hint."""

    template_name = "components/forms/options.html"


class CheckboxTiles(Checkboxes):
    """Checkboxes drawn as large tiles."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["tile"] = True
        return context


class ComboBox(forms.Select):
    """A select that becomes a type-ahead list. Works as a plain select without JavaScript."""

    template_name = "components/forms/combo_box.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        words = {
            "clear": _("Clear what is chosen"), "toggle": _("Show the list"),
            "none": _("Nothing found"), "one": _("{n} result"), "many": _("{n} results"),
        }  # fmt: skip
        context["combo_words"] = json.dumps({name: str(word) for name, word in words.items()})
        return context


class CountedTextarea(forms.Textarea):
    """A textarea that says how many characters are left. Give the field a `max_length`.

    The browser must not cut off pasted text without a word, so `maxlength` is not sent: the
    server says by how much the text is too long, and everything typed is kept.
    """

    template_name = "components/forms/counted_textarea.html"

    def __init__(self, attrs: dict[str, Any] | None = None, rows: int = 5) -> None:
        super().__init__({"rows": rows, **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        widget_attrs = context["widget"]["attrs"]
        context["widget"]["limit"] = limit = widget_attrs.pop("maxlength", None)
        if limit and widget_attrs.get("id"):
            described = [widget_attrs.get("aria-describedby"), f"{widget_attrs['id']}_count"]
            widget_attrs["aria-describedby"] = " ".join(filter(None, described))
        return context


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class MemorableDateInput(forms.MultiWidget):
    """Month, day and year as three text boxes. Nobody should scroll a calendar to their birth."""

    template_name = "components/forms/memorable_date.html"
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        text = forms.TextInput
        super().__init__({"month": text(), "day": text(), "year": text()}, attrs)

    def id_for_label(self, id_: str | None, index: str | None = None) -> str:
        """The first box on the page, so that links of the error summary land there."""
        return f"{id_}_{_date_order()[0]}" if id_ else ""

    def decompress(self, value: datetime.date | None) -> list[Any]:
        return [value.month, value.day, value.year] if value else [None, None, None]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        widget = context["widget"]
        parts = dict(zip(("month", "day", "year"), widget["subwidgets"], strict=True))
        for part, subwidget in parts.items():
            subwidget["part"] = part
            subwidget["id"] = f"{widget['attrs']['id']}_{part}" if "id" in widget["attrs"] else ""
            subwidget["invalid"] = widget["attrs"].get("aria-invalid") == "true"
        widget["subwidgets"] = [parts[part] for part in _date_order()]
        return context


def _date_order() -> tuple[str, str, str]:
    """Month first in American English, day first everywhere else."""
    american = (get_language() or "en") in {"en", "en-us"}
    return ("month", "day", "year") if american else ("day", "month", "year")


class MemorableDateField(forms.Field):
    """A date typed in three boxes; wrong dates get a sentence that says what to change."""

    widget = MemorableDateInput
    default_error_messages = {"required": _("Enter a date.")}

    def __init__(
        self,
        *,
        not_future: bool = False,
        earliest: datetime.date = datetime.date(1900, 1, 1),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.not_future, self.earliest = not_future, earliest

    def to_python(self, value: Any) -> datetime.date | None:
        if value is None or isinstance(value, datetime.date):
            return value
        month, day, year = value if isinstance(value, list | tuple) else ("", "", "")
        if not any(str(part or "").strip() for part in (month, day, year)):
            return None
        try:
            return read_date(year=year, month=month, day=day)
        except WrongDateError as wrong:
            raise ValidationError(wrong.sentence, code=wrong.part) from wrong

    def validate(self, value: datetime.date | None) -> None:
        super().validate(value)
        if value is None:
            return
        if value < self.earliest:
            raise ValidationError(
                _("The year must be %(year)s or later."),
                code="too_early",
                params={"year": self.earliest.year},
            )
        if self.not_future:
            not_in_the_future(value)


def not_in_the_future(value: datetime.date) -> None:
    """Refuse a date after today, by the reader's own time zone."""
    if value > timezone.localdate():
        raise ValidationError(_("The date must be today or in the past."), code="future")


def not_in_the_past(value: datetime.date) -> None:
    """Refuse a date before today, by the reader's own time zone."""
    if value < timezone.localdate():
        raise ValidationError(_("The date must be today or in the future."), code="past")


def focus_target(bound: forms.BoundField) -> str:
    """The id of the first control of a field; groups have no control with the field's own id."""
    if isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return f"{bound.auto_id}_0"
    return bound.id_for_label or str(bound.auto_id)
