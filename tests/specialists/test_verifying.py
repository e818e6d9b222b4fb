"""A report's data proves itself: any changed byte is found, and so is a clever forgery.

The browser's module (static/secondop/js/verify.js) is fed the same files and must say the same.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from records.models import Document
from secondop.audit.trail import note
from secondop.lib.canonical import canonical_json, sha256_of
from specialists import workflow
from specialists.models import Referral
from specialists.reporting import build_snapshot
from specialists.verifying import NOT_PROVEN, PROBLEMS, PROVEN, RULE, verify
from tests.factories import completed, document, opinion_request_at

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
FLIPS = 400


@pytest.fixture(scope="module")
def text(django_db_setup, django_db_blocker):
    """The data of a report with an opening before, one after, and a revision. Made once."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        case = opinion_request_at("in_review")
        referral = case.referrals.get()
        by = referral.specialist.user
        early = case.case_file.documents.get()
        late = document(case.case_file, by=case.started_by, blinding_class="withheld")
        note("document.opened", by=by, about=early)
        completed(referral)
        note("document.opened", by=by, about=Document.objects.get(pk=late.pk))
        workflow.revise(_fresh(referral), field="certainty", after="certain", by=by,
                        reason="The letter of the laboratory.")  # fmt: skip
        workflow.revise(_fresh(referral), field="plan", after="Wait “six” weeks — ¡sí!", by=by,
                        reason="The first doctor's plan can wait.")  # fmt: skip
        workflow.sign(_fresh(referral), by=by)
        made = canonical_json(build_snapshot(type(case).objects.get(pk=case.pk)))
        transaction.set_rollback(True)
    return made


def _fresh(referral):
    return Referral.objects.get(pk=referral.pk)


def forged(text, change):
    """The report after `change`, with the fingerprint inside made anew, as a forger would."""
    report = json.loads(text)
    change(report)
    rest = {key: value for key, value in report.items() if key != "integrity"}
    report["integrity"] = {"rule": RULE, "sha256": sha256_of(canonical_json(rest))}
    return canonical_json(report)


def _blinding(report):
    return report["opinions"][0]["blinding"]


def _swap_order(report):
    trail = _blinding(report)["trail"]
    steps = [event for event in trail if event["verb"] in ("opinion.sealed", "opinion.revealed")]
    steps[0]["verb"], steps[1]["verb"] = steps[1]["verb"], steps[0]["verb"]


FORGERIES = {
    "seal_hash": lambda r: _blinding(r)["seal"]["sealed"]["opinion"].update(plan="Mastectomy."),
    "seal_other_case": lambda r: r["patient"].update(alias="CF-ABC-DEF"),
    "seal_differs": lambda r: r["opinions"][0]["sealed"].update(plan="Mastectomy."),
    "order": _swap_order,
    "opened": lambda r: _blinding(r).update(opened_before=[]),
    "revisions": lambda r: r["opinions"][0]["revisions"].pop(),
    "seal_missing": lambda r: _blinding(r).update(seal={}),
}


class TestVerify:
    def test_what_was_exported_is_in_order_and_says_what_it_proves(self, text):
        found = verify(text)
        assert found.problems == []
        assert found.proven == ["whole", "sealed", "order", "opened", "revisions"]
        assert found.not_proven == ["issued", "clock", "log", "outside"]
        assert "issued" not in verify(text, fingerprint=sha256_of(text)).not_proven
        blinding = _blinding(json.loads(text))
        assert (blinding["opened_before"], blinding["opened_after"]) == ([1], [2])

    def test_any_changed_byte_is_found(self, text):
        for changed in damaged(text):
            assert verify(changed).problems, changed[:80]

    @pytest.mark.parametrize("code", FORGERIES)
    def test_a_forger_who_makes_the_fingerprint_anew_is_found(self, text, code):
        forgery = forged(text, FORGERIES[code])
        assert code in verify(forgery).problems
        assert "fingerprint" in verify(forgery, fingerprint=sha256_of(text)).problems

    def test_every_code_has_a_sentence(self, text):
        for changed in [*(forged(text, change) for change in FORGERIES.values()), "", "[]", "{}"]:
            found = verify(changed)
            assert found.problems and set(found.problems) <= set(PROBLEMS)
            assert set(found.proven) <= set(PROVEN) and set(found.not_proven) <= set(NOT_PROVEN)

    def test_a_revision_back_and_forth_is_followed(self, text):
        report = json.loads(text)
        assert [row["name"] for row in report["opinions"][0]["revisions"]] == ["certainty", "plan"]
        assert report["opinions"][0]["certainty"]["code"] == "certain"
        assert report["opinions"][0]["sealed"]["certainty"] == "likely"

    def test_a_broken_seal_is_named_and_an_open_review_proves_nothing_of_it(self):
        case = opinion_request_at("in_review")
        referral = case.referrals.get()
        workflow.break_seal(referral, reason="A clot", by=referral.specialist.user)
        report = build_snapshot(case)
        assert report["opinions"] == []  # not signed yet
        is_open = opinion_request_at("quality_check", review_mode="open")
        found = verify(canonical_json(build_snapshot(is_open)))
        assert (found.problems, found.proven) == ([], ["whole"])
        assert "open" in found.not_proven

    def test_two_readers_each_have_a_seal(self):
        from tests.specialists.signed import two_opinions

        found = verify(canonical_json(build_snapshot(two_opinions())))
        assert found.problems == [] and "sealed" in found.proven


def damaged(text):
    """Copies with one letter changed, dropped or doubled, at places that chance draws."""
    draw = random.Random(4)  # the same places each time
    for n in range(FLIPS):
        place = draw.randrange(len(text))
        other = "x" if text[place] != "x" else "y"
        yield (
            text[:place]
            + ("", other, text[place] * 2, " " + text[place])[n % 4]
            + text[place + 1 :]
        )
    yield text + "\n"
    yield "\ufeff" + text


def in_the_browser(files, tmp_path):
    """What the page's own module says of each file. Node has the same WebCrypto as browsers."""
    path = tmp_path / "files.json"
    path.write_text(json.dumps(files))
    script = (
        f"import {{verify}} from '{ROOT}/static/secondop/js/verify.js';"
        "import {readFileSync} from 'node:fs';"
        f"const files = JSON.parse(readFileSync('{path}'));"
        "const said = []; for (const f of files) said.push(await verify(f));"
        "console.log(JSON.stringify(said));"
    )
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


@pytest.mark.skipif(not shutil.which("node"), reason="node is missing")
def test_the_browser_says_the_same(text, tmp_path):
    """The page itself is tried in tests/browser."""
    files = [text, *damaged(text), *(forged(text, change) for change in FORGERIES.values()),
             "{}", "[]", "", '{"format":"secondop.report/1"}', "1e3", '{"a":1.5}']  # fmt: skip
    for file, theirs in zip(files, in_the_browser(files, tmp_path), strict=True):
        ours = verify(file)
        assert bool(theirs["problems"]) == bool(ours.problems), file[:200]
        if "not_json" not in ours.problems + theirs["problems"]:
            assert theirs["problems"] == ours.problems
            assert (theirs["proven"], theirs["notProven"]) == (ours.proven, ours.not_proven)
            assert theirs["sha256"] == ours.sha256


class TestCommand:
    def test_it_needs_no_database(self, text, tmp_path):
        path = tmp_path / "report.json"
        path.write_text(text, encoding="utf-8")
        nowhere = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
        run = [sys.executable, "manage.py", "verify_seal", str(path)]
        fine = subprocess.run(run, capture_output=True, text=True, env=nowhere, cwd=ROOT)
        assert fine.returncode == 0, fine.stderr
        assert "intact" in fine.stdout and "not proven" in fine.stdout
        path.write_text(text.replace("lump", "mast", 1).replace("Lump", "Mast", 1), "utf-8")
        bad = subprocess.run(run, capture_output=True, text=True, env=nowhere, cwd=ROOT)
        assert bad.returncode != 0 and "it was changed" in bad.stderr

    def test_it_compares_the_printed_fingerprint(self, text, tmp_path, capsys):
        path = tmp_path / "report.json"
        path.write_text(text, encoding="utf-8")
        call_command("verify_seal", str(path), fingerprint=sha256_of(text))
        assert "issued this very file" not in capsys.readouterr().out
        with pytest.raises(CommandError, match="fingerprint you gave"):
            call_command("verify_seal", str(path), fingerprint="0" * 64)
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(CommandError, match="not a file"):
            call_command("verify_seal", str(path))


def test_the_page_needs_no_sign_in_and_the_report_links_to_it(client):
    page = client.get("/verify/").content.decode()
    assert "We do not see it" in page
    for code in (*PROBLEMS, *PROVEN, *NOT_PROVEN):
        assert f'="{code}"' in page
    report = opinion_request_at("delivered").reports.get()
    client.force_login(report.opinion_request.started_by)
    assert reverse("pages:verify") in client.get(report.get_absolute_url()).content.decode()
    data = client.get(reverse("requests:report_data", args=[report.pk])).content.decode()
    assert verify(data, fingerprint=report.snapshot_sha256).problems == []
