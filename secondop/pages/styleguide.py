"""Every component with sample data, for those who build pages. Shown in a demo or with DEBUG."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from secondop.lib.forms import (
    CheckboxTiles,
    ComboBox,
    CountedTextarea,
    FilesInput,
    MemorableDateField,
    RadioTiles,
)
from secondop.lib.verdicts import not_now

REVIEWS = [("sealed", "Sealed first"), ("open", "Open from the start")]
AIMS = [("diagnosis", "Is the diagnosis right?"), ("treatment", "What else could be done?")]
COUNTRIES = [("", ""), ("us", "United States"), ("mx", "Mexico"), ("ca", "Canada")]


class SampleForm(forms.Form):
    """One field of each kind. Never saved."""

    name = forms.CharField(label="Your full name", max_length=80)
    email = forms.EmailField(label="E-mail", help_text="We write here when there is news.")
    phone = forms.CharField(
        label="Phone", required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    weight_kg = forms.IntegerField(label="Weight in kilograms", min_value=1, required=False)
    born_on = MemorableDateField(
        label="Date of birth", help_text="For example: June 12 1968", not_future=True
    )
    country = forms.ChoiceField(label="Country", choices=COUNTRIES, widget=ComboBox)
    sex = forms.ChoiceField(label="Sex on your records", choices=[("f", "Female"), ("m", "Male")])
    contact = forms.ChoiceField(
        label="How may we reach you?",
        choices=[("email", "E-mail"), ("phone", "Phone")],
        widget=forms.RadioSelect,
    )
    review = forms.ChoiceField(
        label="How should the specialist read your case?",
        choices=REVIEWS,
        widget=RadioTiles(
            hints={
                "sealed": "They form their own view before they see what you were told.",
                "open": "They see everything at once.",
            }
        ),
    )
    aims = forms.MultipleChoiceField(
        label="What do you want to know?", choices=AIMS, widget=CheckboxTiles, required=False
    )
    story = forms.CharField(
        label="What happened so far?", max_length=200, widget=CountedTextarea(), required=False
    )
    records = forms.FileField(
        label="Records", help_text="PDF, JPEG or PNG, up to 200 MB each.", widget=FilesInput,
        required=False,
    )  # fmt: skip
    password = forms.CharField(label="Password", widget=forms.PasswordInput)
    agrees = forms.BooleanField(label="I understand the limits of this service")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """`?errors=1` shows the form as it comes back with mistakes, `?wide=1` the staff width."""
    if not (settings.DEBUG or settings.DEMO):
        raise Http404
    if "errors" in request.GET:
        typed = {"born_on_month": "june", "born_on_day": "31", "born_on_year": "1968"}
        form = SampleForm({**typed, "email": "maria@", "story": "x" * 230})
    else:
        form = SampleForm(initial={"country": "mx", "born_on": datetime.date(1968, 6, 12)})
        messages.success(request, "Your answers are saved.")
    return render(request, "secondop/styleguide.html", {"form": form, **_samples()})


def _samples() -> dict[str, Any]:
    now = timezone.now()
    return {
        "now": now,
        "late": now - datetime.timedelta(days=2),
        "soon": now + datetime.timedelta(days=1),
        "refusal": not_now("Add at least one record first."),
        "steps": _steps(now),
        "tasks": _tasks(),
        "rows": [
            {"label": "Name", "value": "Maria Example", "change_url": "#name"},
            {"label": "Questions", "items_list": ["Do I need the operation?", "Can I wait?"],
             "change_url": "#questions"},
            {"label": "Planned treatment date", "value": "", "change_url": "#date"},
        ],
        "facts": [
            {"label": "Age", "value": "50 to 59 years"},
            {"label": "Sex", "value": "Female"},
            {"label": "Reference", "value": "SO-7KQ-3MF"},
        ],
        "columns": [
            {"title": "Remove the breast", "badge": "First doctor's plan", "badge_kind": "plain"},
            {"title": "Remove the lump, then radiation", "badge": "Recommended",
             "badge_kind": "done"},
        ],
        "comparison": [
            {"label": "What it is", "cells": ["Mastectomy", "Lumpectomy and radiation"]},
            {"label": "Good sides", "cells": ["One operation", "You keep the breast"]},
            {"label": "Risks", "cells": ["Longer healing", "Radiation for 3 to 6 weeks"]},
        ],
        "queue": [
            {"reference": "SO-7KQ-3MF", "what": "Breast cancer, treatment options",
             "badge": "Your turn", "kind": "now", "due_at": now - datetime.timedelta(hours=30)},
            {"reference": "SO-2PD-9XA", "what": "Thyroid nodule, diagnosis",
             "badge": "With a specialist", "kind": "wait",
             "due_at": now + datetime.timedelta(hours=20)},
            {"reference": "SO-5RT-1BC", "what": "Knee replacement, treatment options",
             "badge": "Delivered", "kind": "done", "due_at": now + datetime.timedelta(days=6)},
        ],
    }  # fmt: skip


def _steps(now: datetime.datetime) -> list[dict[str, Any]]:
    day = datetime.timedelta(days=1)
    return [
        {"label": "You sent your request", "state": "done", "at": now - 4 * day},
        {"label": "A clinician read it", "state": "done", "at": now - 3 * day},
        {"label": "We are gathering your records", "state": "now",
         "ball_with": "Lakeside Hospital", "due_at": now + day,
         "note": "We asked for the pathology report. You do not need to do anything."},
        {"label": "A specialist studies your case", "state": "next"},
        {"label": "A second clinician checks the report", "state": "next"},
        {"label": "You get your report", "state": "next"},
    ]  # fmt: skip


def _tasks() -> list[dict[str, str]]:
    return [
        {"label": "Tell us about you", "url": "#a", "status": "done"},
        {"label": "Say what you were told", "url": "#b", "status": "started"},
        {"label": "Add your records", "url": "#c", "status": "problem",
         "hint": "One file could not be read"},
        {"label": "Ask your questions", "url": "#d", "status": "todo"},
        {"label": "Check and send", "status": "blocked", "hint": "After the tasks above"},
    ]  # fmt: skip
