"""The playground's records: papers of invented hospitals about invented people, made here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from django.template import Context, Engine


@dataclass(frozen=True)
class Paper:
    kind: str  # a key of DocumentKind
    file_name: str  # as the patient's computer calls it
    neutral_title: str  # what a sealed reader sees
    issuer: str
    title: str
    sections: tuple[tuple[str, str], ...]
    table: tuple[tuple[str, ...], ...] = ()  # first row: headings
    signed_by: str = ""
    days_ago: int = 30
    blinding_class: str = "clear"

    def dated_on(self, today: date) -> date:
        return today - timedelta(days=self.days_ago)


TEMPLATE = """<!doctype html><html lang="en"><head><title>{{ paper.title }}</title></head><body>
<p class="issuer">{{ paper.issuer }}</p>
<h1>{{ paper.title }}</h1>
<p class="who">Patient: {{ patient }} &nbsp; Born: {{ born_on|date:"j F Y" }} &nbsp;
Date: {{ dated_on|date:"j F Y" }}</p>
{% for heading, text in paper.sections %}{% if heading %}<h2>{{ heading }}</h2>{% endif %}{{ text|linebreaks }}{% endfor %}
{% if table %}<table>{% for row in table %}<tr>{% for cell in row %}{% if forloop.parentloop.first %}<th scope="col">{{ cell }}</th>{% else %}<td>{{ cell }}</td>{% endif %}{% endfor %}</tr>{% endfor %}</table>{% endif %}
{% if paper.signed_by %}<p class="signed">{{ paper.signed_by }}</p>{% endif %}
<p class="invented">Invented for a demonstration. It is about nobody.</p></body></html>"""
STYLE = """@page { size: A4; margin: 22mm 20mm; }
body { font: 10.5pt/1.45 serif; color: #111; } h1 { font-size: 15pt; margin: 8mm 0 2mm; }
h2 { font-size: 11pt; margin: 5mm 0 1mm; } p { margin: 0 0 2mm; }
.issuer { font-size: 13pt; border-bottom: 1pt solid #333; padding-bottom: 2mm; }
.who { background: #eee; padding: 2mm; } .signed { margin-top: 10mm; font-style: italic; }
table { border-collapse: collapse; width: 100%; margin-top: 3mm; }
td, th { border: .5pt solid #777; padding: 1.2mm 2mm; text-align: left; }
.invented { margin-top: 12mm; color: #777; font-size: 8pt; }"""


@cache
def _tools() -> tuple[Any, Any, Any]:
    """PDF library, style and fonts, loaded once: importing them costs a second."""
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    return HTML, CSS(string=STYLE, font_config=fonts), fonts


def as_pdf(paper: Paper, *, patient: str, born_on: date, today: date) -> bytes:
    """Return the paper as PDF bytes. Raises OSError where the Pango library is missing."""
    html_class, style, fonts = _tools()
    text = Engine().from_string(TEMPLATE).render(Context({
        "paper": paper, "patient": patient, "born_on": born_on, "dated_on": paper.dated_on(today),
        "table": paper.table,
    }))  # fmt: skip
    pdf: bytes = html_class(string=text).write_pdf(stylesheets=[style], font_config=fonts)
    return pdf
