"""A forger of reports: edits with every fingerprint made anew, and files that are hardly files.

Python and the browser's module must refuse the same ones. What no check of the file alone can
find is tried as well: the printed fingerprint finds it, and the finding says so beforehand.
"""

import json
import shutil
import unicodedata
from copy import deepcopy

import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import override

from secondop.audit.models import AuditEvent
from secondop.lib.canonical import canonical_json, sha256_of
from specialists.models import Referral
from specialists.reporting import build_snapshot
from specialists.verifying import PROBLEMS, verify
from tests.factories import completed, opinion_request_at
from tests.specialists import test_verifying as known

pytestmark = pytest.mark.django_db
text = known.text  # the fixture: a report with openings and revisions, made once
LONG_AGO = "2001-01-01T00:00:00+00:00"
LATER = "2099-01-01T00:00:00+00:00"


def blinding(report):
    return report["opinions"][0]["blinding"]


def event(report, verb):
    return next(row for row in blinding(report)["trail"] if row["verb"] == verb)


def edit(**values):
    return lambda report: blinding(report).update(values)


def drop(verb):
    return lambda report: blinding(report)["trail"].remove(event(report, verb))


def reorder(report):
    blinding(report)["trail"].reverse()


def insert_before_the_seal(report):
    trail = blinding(report)["trail"]
    trail.insert(0, {**trail[0], "number": 1, "record": 2})


def insert_twice(report):
    trail = blinding(report)["trail"]
    trail.insert(0, deepcopy(trail[0]))


def images_before_the_seal(report):
    trail = blinding(report)["trail"]
    trail.insert(0, {**trail[0], "number": 1, "verb": "imaging.opened", "record": 0,
                     "images": "one study"})  # fmt: skip


def drop_revisions(report):
    report["opinions"][0]["revisions"] = []
    blinding(report)["changed_after"] = 0


def replace_opinion_everywhere(report):
    """All but the fingerprint of the seal."""
    one = report["opinions"][0]
    for said in (one["sealed"], blinding(report)["seal"]["sealed"]["opinion"]):
        said["plan"] = "Mastectomy."
    one["revisions"][1].update(before="Mastectomy.", before_code="Mastectomy.")


def seal_anew(report, **sealed):
    """The forger makes the seal's fingerprint anew too, in both places."""
    content = blinding(report)["seal"]["sealed"]
    content.update(sealed)
    made = sha256_of(canonical_json(content))
    blinding(report)["seal"]["sha256"] = blinding(report)["sha256"] = made


FOUND = {
    "edited opinion": (replace_opinion_everywhere, "seal_hash"),
    "edited seal time": (edit(sealed_at=LONG_AGO), "seal_differs"),
    "time edited inside the seal": (
        lambda r: blinding(r)["seal"]["sealed"].update(sealed_at=LONG_AGO), "seal_hash"),
    "reveal before the seal": (edit(revealed_at=LONG_AGO), "order"),
    "reveal in the future": (edit(revealed_at=LATER), "order"),
    "seal resealed at another time": (
        lambda r: seal_anew(r, sealed_at="2001-01-01T00:00:00.000000+00:00"), "seal_differs"),
    "seal moved in the log": (
        lambda r: seal_anew(r, audit={"number": 99, "hash": "0" * 64}), "order"),
    "another place in the log printed": (edit(audit_number=1), "seal_differs"),
    "another link of the log printed": (edit(audit_hash="0" * 64), "seal_differs"),
    "broken seal called intact": (edit(is_intact=False), "seal_differs"),
    "sealed reader called open": (edit(mode="open"), "seal_differs"),
    "seal thrown away": (edit(mode="open", seal={}), "seal_missing"),
    "called broken for safety": (
        edit(seal={}, seal_broken_at=LATER, seal_broken_reason="A clot"), "seal_missing"),
    "broken and sealed": (edit(seal_broken_at=LONG_AGO, seal_broken_reason="x"), "order"),
    "removed row: seal": (drop("opinion.sealed"), "order"),
    "removed row: reveal": (drop("opinion.revealed"), "order"),
    "removed row: opening": (drop("document.opened"), "opened"),
    "reordered rows": (reorder, "order"),
    "row inserted before the seal": (insert_before_the_seal, "opened"),
    "row inserted twice": (insert_twice, "order"),
    "images inserted before the seal": (images_before_the_seal, "opened"),
    "changed statement: opened": (edit(opened=[1]), "opened"),
    "changed statement: nothing before": (edit(opened_before=[], opened_after=[1, 2]), "opened"),
    "changed statement: images": (edit(images_before=3), "opened"),
    "changed statement: messages": (edit(messages_before=3), "opened"),
    "changed statement: others shown": (edit(shown=[{"letter": "A", "opinion": "A"}]), "opened"),
    "changed statement: changes": (edit(changed_after=0), "revisions"),
    "dropped revisions": (drop_revisions, "revisions"),
    "reason of a revision emptied": (
        lambda r: r["opinions"][0]["revisions"][0].update(reason=" "), "revisions"),
    "called open, seal edited": (
        lambda r: (r["review"].update(code="open"), replace_opinion_everywhere(r)), "seal_hash"),
    "a name for a list": (lambda r: blinding(r).update(trail={}), "not_json"),
    "a number for a text": (edit(sealed_at=5), "not_json"),
    "no statement": (lambda r: r["opinions"][0].pop("blinding"), "not_json"),
    "nothing for the log": (edit(trail=None), "not_json"),
}  # fmt: skip


def rewrite_all(report):
    """Whoever makes every fingerprint anew and edits whatever they lead to."""
    replace_opinion_everywhere(report)
    seal_anew(report)


def forget_an_opening(report):
    """Out of the log and out of the statement: the file has no other trace of it."""
    gone = event(report, "document.opened")
    blinding(report)["trail"].remove(gone)
    blinding(report).update(opened=[2], opened_before=[])


def insert_an_opening(report):
    trail = blinding(report)["trail"]
    trail.insert(0, {**trail[0], "number": 1, "record": 2})
    blinding(report).update(opened_before=[1, 2], opened_after=[])


def move_the_clock(report):
    moment = "2001-01-01T00:00:00"
    for row in blinding(report)["trail"]:
        row["at"] = f"{moment}+00:00"
    blinding(report).update(sealed_at=f"{moment}+00:00", revealed_at=f"{moment}+00:00")
    seal_anew(report, sealed_at=f"{moment}.000000+00:00")


def another_author(report):
    report["opinions"][0]["specialist"]["name"] = "Dr Somebody Else"


# By the file alone nobody can find these: its anchors were all made anew. The clinic's printed
# fingerprint finds each; the log's chain finds the second and third (`manage.py verify_audit`).
ONLY_BY_THE_PRINTED_FINGERPRINT = (
    rewrite_all, forget_an_opening, insert_an_opening, move_the_clock, another_author,
    lambda report: report.update(opinions=[]),
)  # fmt: skip


class TestForgedReports:
    @pytest.mark.parametrize("name", FOUND)
    def test_it_names_what_does_not_match(self, text, name):
        change, code = FOUND[name]
        found = verify(known.forged(text, change))
        assert code in found.problems and found.proven == []

    def test_what_only_the_printed_fingerprint_finds_is_said_beforehand(self, text):
        printed = sha256_of(text)
        for change in ONLY_BY_THE_PRINTED_FINGERPRINT:
            forgery = known.forged(text, change)
            found = verify(forgery)
            assert found.problems == [] and "issued" in found.not_proven, change
            assert verify(forgery, fingerprint=printed).problems == ["fingerprint"], change

    def test_the_clinics_own_log_finds_an_edited_opening(self):
        """The seal holds the last link before it: the same row of the log, with the same hash."""
        case = opinion_request_at("in_review")
        completed(case.referrals.get())
        seal = Referral.objects.get(opinion_request=case).opinion.seal
        named = json.loads(seal.content)["audit"]
        row = AuditEvent.objects.get(chain=f"case_file:{case.case_file_id}", number=named["number"])
        assert row.hash == named["hash"]

    def test_a_report_called_open_hides_no_seal(self, text):
        found = verify(known.forged(text, lambda report: report["review"].update(code="open")))
        assert found.problems == [] and "sealed" in found.proven and "open" not in found.not_proven

    def test_another_language_changes_neither_the_finding_nor_its_sentences(self, tmp_path):
        case = opinion_request_at("in_review")
        case.case_file.patient.user.language = "es"
        case.case_file.patient.user.save()
        referral = completed(case.referrals.get())
        from specialists import workflow

        workflow.sign(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)
        report = canonical_json(build_snapshot(type(case).objects.get(pk=case.pk)))
        assert "Sellad" in report and verify(report).problems == []
        path = tmp_path / "informe.json"
        path.write_text(known.forged(report, edit(sealed_at=LONG_AGO)), "utf-8")
        with override("es"), pytest.raises(CommandError) as refused:
            call_command("verify_seal", str(path))
        with override("es"):
            assert str(PROBLEMS["seal_differs"]) in str(refused.value)
            assert str(PROBLEMS["seal_differs"]).startswith("Lo que")


def hardly_files(text):
    """No forger's art: files that are cut, doubled, odd or huge."""
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text
    deep = "[" * 990 + "]" * 990
    half = '"\\ud800"'
    return {
        "cut": text[: len(text) // 2],
        "last brace gone": text[:-1],
        "two files": text * 2,
        "a key twice": text.replace('"format":', '"format":"x","format":', 1),
        "a key twice, deep": text.replace('"plan":', '"plan":"Mastectomy.","plan":', 1),
        "decomposed letters": decomposed,
        "compatible letters": unicodedata.normalize("NFKC", text.replace("“", "\u2033")),
        "an escaped letter": text.replace("Lumpectomy", "\\u004cumpectomy", 1),
        "not a number": text.replace('"version":1', '"version":NaN'),
        "infinite": text.replace('"version":1', '"version":-Infinity'),
        "a fraction": text.replace('"version":1', '"version":1.0'),
        "an exponent": text.replace('"version":1', '"version":1e0'),
        "minus nothing": text.replace('"version":1', '"version":-0'),
        "a long number": text.replace('"version":1', f'"version":{"9" * 5000}'),
        "half a letter": text.replace('"version":1', f'"version":{half}'),
        "half a letter for a name": text.replace('"version":1', f'{half}:1,"version":1'),
        "deep": '{"format":"secondop.report/2","a":' + deep + "}",
        "deeper": "[" * 200_000,
        "a seal of half a letter": f'{{"format":"secondop.seal/1","sealed":{half},"sha256":""}}',
        "a list for a format": '{"format":["secondop.report/2"]}',
        "another format": text.replace("secondop.report/2", "secondop.report/3"),
        "nothing": "",
        "a word": "null",
    }


def forged_with_numbers(text):
    """With the fingerprint made anew: numbers that a browser would round."""
    return known.forged(text, lambda report: report.update(version=2**53 + 1))


def half_a_letter_in_full(text):
    """As the browser would write it, its fingerprint made over those very characters."""
    report = json.loads(text)
    report["patient"]["name"] = "NAME"
    del report["integrity"]
    written = canonical_json(report).replace('"NAME"', '"\\ud800"')
    whole = canonical_json({"rule": known.RULE, "sha256": sha256_of(written)})
    return written.replace('"language":', f'"integrity":{whole},"language":', 1)


class TestHardlyFiles:
    def test_each_gets_a_sentence_and_never_a_traceback(self, text, tmp_path):
        files = hardly_files(text)
        files |= {"rounded": forged_with_numbers(text), "half": half_a_letter_in_full(text)}
        for name, content in files.items():
            assert content != text, name
            path = tmp_path / "report.json"
            path.write_bytes(content.encode())
            with pytest.raises(CommandError) as refused:
                call_command("verify_seal", str(path))
            assert any(str(sentence) in str(refused.value) for sentence in PROBLEMS.values()), name

    def test_what_is_no_file_at_all(self, text, tmp_path):
        for what in (text, str(tmp_path), "a\0b", "x" * 5000, ""):
            with pytest.raises(CommandError, match="no such file"):
                call_command("verify_seal", what)
        path = tmp_path / "report.json"
        path.write_bytes(b"\xff\xfe\x00{")
        with pytest.raises(CommandError, match="not a file that SecondOp exported"):
            call_command("verify_seal", str(path))

    def test_a_fingerprint_that_is_none_matches_nothing(self, text, tmp_path):
        path = tmp_path / "report.json"
        path.write_text(text, "utf-8")
        call_command("verify_seal", str(path), fingerprint=f" {sha256_of(text).upper()} ")
        for wrong in ("0" * 64, sha256_of(text)[:-1], "ñ", "\ud800"):
            with pytest.raises(CommandError, match="fingerprint you gave"):
                call_command("verify_seal", str(path), fingerprint=wrong)


@pytest.mark.skipif(not shutil.which("node"), reason="node is missing")
def test_the_browser_refuses_the_same(text, tmp_path):
    forgeries = [known.forged(text, change) for change, _code in FOUND.values()]
    forgeries += [known.forged(text, change) for change in ONLY_BY_THE_PRINTED_FINGERPRINT]
    forgeries += [known.forged(text, lambda report: report["review"].update(code="open"))]
    odd = [*hardly_files(text).values(), forged_with_numbers(text), half_a_letter_in_full(text)]
    said = known.in_the_browser([*forgeries, *odd], tmp_path)
    for file, theirs in zip(forgeries, said, strict=False):
        ours = verify(file)
        assert theirs["problems"] == ours.problems
        if "not_json" not in ours.problems:
            assert (theirs["proven"], theirs["notProven"]) == (ours.proven, ours.not_proven)
    for theirs in said[len(forgeries) :]:
        assert theirs["problems"]
