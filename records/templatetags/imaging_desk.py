"""`{% imaging_at_the_desk case_file as images %}`: see `records.imaging_at_the_desk`."""

from __future__ import annotations

from typing import Any

from django import template

from records.imaging_at_the_desk import ImagingDesk, at_the_desk
from records.models import CaseFile

register = template.Library()


@register.simple_tag(takes_context=True)
def imaging_at_the_desk(context: dict[str, Any], case_file: CaseFile) -> ImagingDesk:
    """Held studies and all series, for the coordinator who asks for the page."""
    return at_the_desk(case_file, context["request"].user)
