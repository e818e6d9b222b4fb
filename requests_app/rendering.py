"""A report's snapshot as people read it: the page's values, and the tagged PDF made from them.

Nothing here asks the database about the case: the same snapshot always gives the same pages.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from records.paper import own_fonts_only

OPTIONS_BESIDE = 3  # more columns than this cannot be read on a page of A4
DIFFERENT, CANNOT_TELL = "different", "cannot_tell"


def present(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the snapshot with times parsed and with what the pages show beside each other."""
    report: dict[str, Any] = _parsed(snapshot)
    opinions = report["opinions"]
    for opinion in opinions:
        _present_opinion(opinion)
    report["is_several"] = len(opinions) > 1
    report["they_differ"] = len({o["recommended"].get("name") for o in opinions}) > 1
    report["answered"] = [
        {**question, "answers": [_answer_to(question["number"], o) for o in opinions]}
        for question in report["questions"]
    ]
    if opinions:
        days = report["clinic"]["follow_up_days"]
        report["ask_until"] = report["approved_at"] + timedelta(days=days)
    return report


def _parsed(value: Any, key: str = "") -> Any:
    """Times (`..._at`) and dates (`..._on`) as Python's own; everything else as it was."""
    if isinstance(value, dict):
        return {name: _parsed(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_parsed(item) for item in value]
    if isinstance(value, str) and (key.endswith("_at") or key == "at"):
        return datetime.fromisoformat(value) if value else None
    if isinstance(value, str) and key.endswith("_on"):
        return date.fromisoformat(value) if value else None
    return value


def _present_opinion(opinion: dict[str, Any]) -> None:
    options = opinion["options"]
    opinion["recommended"] = next((o for o in options if o["is_recommended"]), {})
    if opinion["recommended"]:
        opinion["recommended"]["sentence"] = _as_sentence(opinion["recommended"]["name"])
    opinion["first_plan"] = next((o for o in options if o["is_first_doctors_plan"]), {})
    opinion["glance"] = [
        {
            "label": row["axis"]["label"],
            "cells": [row["why"]],
            "badge": row["result"]["label"],
            "badge_kind": "now" if row["result"]["code"] == DIFFERENT else "plain",
            "result": row["result"],
        }
        for row in opinion["comparisons"]
    ]
    opinion["option_tables"] = [
        _options_beside(options[start : start + OPTIONS_BESIDE])
        for start in range(0, len(options), OPTIONS_BESIDE)
    ]


def _as_sentence(text: str) -> str:
    """The text with one full stop at its end, whether it brought one or not."""
    return text if text.rstrip().endswith((".", "!", "?", "…")) else f"{text.rstrip()}."


def _options_beside(options: list[dict[str, Any]]) -> dict[str, Any]:
    rows = (
        (_("What it involves"), "what_it_involves"),
        (_("Benefits"), "benefits"),
        (_("Harms and burdens"), "harms"),
        (_("What matters to you"), "fits_priorities"),
        (_("How we know"), "evidence"),
    )
    return {
        "columns": [{"title": o["name"], **_badge_of(o)} for o in options],
        "rows": [
            {"label": label, "cells": [option[key] for option in options]}
            for label, key in rows
            if any(option[key] for option in options)
        ],
    }


def _badge_of(option: dict[str, Any]) -> dict[str, str]:
    first, recommended = option["is_first_doctors_plan"], option["is_recommended"]
    if first and recommended:
        return {"badge": _("Your first doctor's plan, and recommended"), "badge_kind": "done"}
    if recommended:
        return {"badge": _("Recommended"), "badge_kind": "done"}
    return {"badge": _("Your first doctor's plan"), "badge_kind": "plain"} if first else {}


def _answer_to(number: int, opinion: dict[str, Any]) -> dict[str, Any]:
    """One specialist's answer; a question added after they signed has none."""
    found = [answer for answer in opinion["answers"] if answer["number"] == number]
    answer = found[0] if found else {"text": "", "cannot": False}
    return {**answer, "letter": opinion["letter"], "by": opinion["specialist"]["name"]}


def render_html(snapshot: dict[str, Any], *, sha256: str) -> str:
    """Return the paper version as one HTML page, in the report's language and the clinic's time."""
    zone = ZoneInfo(snapshot["clinic"]["time_zone"])
    with override(snapshot["language"]), timezone.override(zone):
        context = {"report": present(snapshot), "sha256": sha256}
        return render_to_string("reports/report.html", context)


def render_pdf(snapshot: dict[str, Any], *, sha256: str) -> bytes:
    """Return a tagged PDF (PDF/UA-1). Raises OSError where the Pango library is missing."""
    from weasyprint import CSS, HTML  # loads Pango, which a web process never needs
    from weasyprint.text.fonts import FontConfiguration

    fetcher, fonts = own_fonts_only(), FontConfiguration()
    style = CSS(
        string=render_to_string("reports/report.css"), url_fetcher=fetcher, font_config=fonts
    )
    page = HTML(string=render_html(snapshot, sha256=sha256), url_fetcher=fetcher)
    pdf: bytes = page.write_pdf(
        stylesheets=[style],
        font_config=fonts,
        pdf_variant="pdf/ua-1",
        pdf_identifier=bytes.fromhex(sha256),  # no clock, no chance: same snapshot, same bytes
    )
    return pdf
