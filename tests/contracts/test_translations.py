"""Every sentence of the interface stands in Spanish too, with the same placeholders."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"


def entries(text):
    """Yield (msgid, (plural, translations)) of a catalogue, the pieces of a string joined."""
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#~")]
        fields, name = {}, ""
        for line in lines:
            if found := re.match(r"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (\".*\")", line):
                name, value = found[1], found[2]
            elif line.startswith('"'):
                value = line
            else:
                continue
            fields[name] = fields.get(name, "") + value[1:-1]
        if fields.get("msgid"):
            translated = [v for k, v in fields.items() if k.startswith("msgstr")]
            yield fields["msgid"], (fields.get("msgid_plural", ""), translated)


def placeholders(text):
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w*\}", text))


@pytest.fixture(scope="module")
def catalogue():
    return dict(entries(CATALOGUE.read_text()))


def test_every_entry_is_translated(catalogue):
    assert len(catalogue) > 2000
    assert [msgid for msgid, (_, texts) in catalogue.items() if not all(texts)] == []


def test_placeholders_agree(catalogue):
    for msgid, (plural, texts) in catalogue.items():
        for text in texts:
            assert set(placeholders(text)) <= set(placeholders(msgid + plural)), msgid


def test_nothing_is_marked_as_doubtful():
    assert "#, fuzzy" not in CATALOGUE.read_text()


def test_no_sentence_of_the_source_is_missing(catalogue):
    """Plain one-line sentences of templates and code are looked up one by one."""
    sources = subprocess.run(
        ["git", "ls-files", "*.html", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    said = set(catalogue) | {""}
    for name in sources:
        if name.startswith(("tests/", "bench/", "deploy/")) or "migrations" in name:
            continue
        text = (ROOT / name).read_text()
        for found in re.findall(r"{% translate \"((?:[^\"\\]|\\.)*)\"", text):
            assert found in said, f"{name}: {found}"
        for found in re.findall(r"\b_\(\s*\"((?:[^\"\\]|\\.)*)\"\s*\)", text):
            assert found in said or found == "", f"{name}: {found}"


def test_the_languages_offered_are_the_languages_translated():
    offered = {code for code, _ in settings.LANGUAGES}
    assert offered == {"en"} | {path.name for path in (ROOT / "locale").iterdir() if path.is_dir()}
