"""Small real PDFs for the tests, made by the same library that prints reports."""

from weasyprint import HTML


def letter_pdf(title: str, lines: list[str]) -> bytes:
    """Return a one-page PDF with a text layer."""
    body = "".join(f"<p>{line}</p>" for line in lines)
    page = f"<html lang=en><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body>"
    return bytes(HTML(string=page).write_pdf())
