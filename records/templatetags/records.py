"""`{% records_panel case_file as panel %}`: what `_uploader.html` and `_documents.html` show."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from records.documents import Panel, panel
from records.models import CaseFile, DocumentKind

register = template.Library()


@register.simple_tag(takes_context=True)
def records_panel(context: dict[str, Any], case_file: CaseFile) -> Panel:
    """The documents of the case file as the person who asks for the page may see them."""
    return panel(case_file, context["request"].user)


@register.simple_tag
def largest_document() -> int:
    """Bytes."""
    return int(settings.MAX_DOCUMENT_BYTES)


@register.simple_tag
def largest_archive() -> int:
    """Bytes of a ZIP, which is unpacked here."""
    return int(settings.MAX_ARCHIVE_BYTES)


@register.simple_tag
def document_kinds() -> list[tuple[str, str]]:
    return [(str(value), str(label)) for value, label in DocumentKind.choices]
