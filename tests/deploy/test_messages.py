"""Our compiler of translations, against the standard library's reader, which will use its files."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest

from deploy.local import messages
from deploy.local.paths import CannotStart

HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""
ENTRIES = """
# a translator's word
#: templates/a.html:3
msgid "Your records"
msgstr "Sus documentos"

msgctxt "verb"
msgid "Open"
msgstr "Abrir"

msgid ""
"A long "
"sentence with \\"quotes\\"\\n"
msgstr ""
"Una frase "
"con \\"comillas\\"\\n"

#, python-format
msgid "%(n)s file"
msgid_plural "%(n)s files"
msgstr[0] "%(n)s archivo"
msgstr[1] "%(n)s archivos"

#, fuzzy
msgid "Maybe"
msgstr "Quizás"

msgid "Not yet"
msgstr ""

#~ msgid "Old"
#~ msgstr "Viejo"
"""


@pytest.fixture
def translations(tmp_path: Path) -> gettext.GNUTranslations:
    source = tmp_path / "django.po"
    source.write_text(HEADER + ENTRIES, encoding="utf-8")
    return gettext.GNUTranslations(io.BytesIO(messages.to_mo(messages.parse(source))))


class TestParseAndToMo:
    def test_plain_context_and_multi_line_entries(self, translations) -> None:
        assert translations.gettext("Your records") == "Sus documentos"
        assert translations.pgettext("verb", "Open") == "Abrir"
        assert (
            translations.gettext('A long sentence with "quotes"\n') == 'Una frase con "comillas"\n'
        )

    def test_plurals_follow_the_header(self, translations) -> None:
        assert translations.ngettext("%(n)s file", "%(n)s files", 1) == "%(n)s archivo"
        assert translations.ngettext("%(n)s file", "%(n)s files", 3) == "%(n)s archivos"

    def test_doubtful_empty_and_old_entries_show_the_source(self, translations) -> None:
        assert translations.gettext("Maybe") == "Maybe"
        assert translations.gettext("Not yet") == "Not yet"
        assert translations.gettext("Old") == "Old"

    def test_a_line_that_is_no_entry_is_named(self, tmp_path: Path) -> None:
        source = tmp_path / "django.po"
        source.write_text(HEADER + '\nmsgid "Half\nmsgstr "x"\n', encoding="utf-8")
        with pytest.raises(CannotStart, match=r"django\.po:6 is not a line"):
            messages.parse(source)
