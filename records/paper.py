"""A page of HTML as a tagged PDF (PDF/UA-1) with the report's own fonts. For workers only."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

FONTS = "vendor/uswds/fonts/source-sans-pro/"
logging.getLogger("weasyprint.progress").setLevel(logging.WARNING)


def pdf_of(html: str, *, css: str = "records/letters/letter.css") -> bytes:
    """Raises OSError where the Pango library is missing."""
    from weasyprint import CSS, HTML  # loads Pango, which a web process never needs
    from weasyprint.text.fonts import FontConfiguration

    fetcher, fonts = own_fonts_only(), FontConfiguration()
    style = CSS(string=render_to_string(css), url_fetcher=fetcher, font_config=fonts)
    page = HTML(string=html, url_fetcher=fetcher)
    pdf: bytes = page.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")
    return pdf


def own_fonts_only() -> Any:
    """SECURITY: what somebody typed must never make the worker open a file or an address."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OwnFontsOnly(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            name = url.removeprefix("font:")
            if name == url or "/" in name or not (path := _static_file(FONTS + name)):
                raise ValueError("refused")
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})

    return OwnFontsOnly()


def _static_file(name: str) -> Path | None:
    """A static file where it was collected, or where the finders see it while developing."""
    collected = Path(settings.STATIC_ROOT) / name
    found = str(collected) if collected.is_file() else finders.find(name)
    return Path(found) if found else None
