"""The snapshot of a report, its PDF, and what the blinding statement proves."""

from __future__ import annotations

import io

import pikepdf
import pypdfium2
import pytest

from requests_app.models import Report
from requests_app.rendering import present, render_html, render_pdf
from secondop.audit.trail import note
from secondop.lib.canonical import canonical_json, sha256_of
from specialists import workflow as referrals
from specialists.models import Referral
from specialists.reporting import build_snapshot
from tests.factories import (
    INDEPENDENT,
    coordinator,
    document,
    opinion_request_at,
    quality_reviewer,
    sealed,
    sign,
    specialist,
)
from tests.specialists.signed import two_opinions

pytestmark = pytest.mark.django_db


def delivered() -> Report:
    return opinion_request_at("delivered").reports.get()


class TestSnapshot:
    def test_its_hash_is_that_of_its_canonical_json_after_a_round_trip(self):
        report = Report.objects.get(pk=delivered().pk)
        assert sha256_of(canonical_json(report.snapshot)) == report.snapshot_sha256

    def test_it_holds_what_the_patient_asked_and_what_was_answered(self):
        snapshot = delivered().snapshot
        assert [q["text"] for q in snapshot["questions"]] == ["Can I keep my breast?"]
        opinion = snapshot["opinions"][0]
        assert opinion["answers"][0]["text"] == "Yes, if the margins are clear."
        assert [o["name"] for o in opinion["options"]] == ["Mastectomy", "Lumpectomy"]
        assert [o["is_first_doctors_plan"] for o in opinion["options"]] == [True, False]
        assert opinion["sealed"]["diagnosis"] == INDEPENDENT["diagnosis"]
        assert snapshot["told"]["treatment"] == "Mastectomy"
        assert snapshot["documents"][0]["sha256"]

    def test_it_names_who_checked_and_who_wrote(self):
        report = delivered()
        assert report.snapshot["checked_by"]["name"] == report.approved_by.full_name
        who = report.opinion_request.referrals.get().specialist
        assert report.snapshot["opinions"][0]["specialist"]["licence"] == who.licence
        assert report.snapshot["opinions"][0]["specialist"]["name"] == who.signature_name

    def test_a_private_reason_is_never_in_it(self):
        opinion_request = opinion_request_at("quality_check")
        opinion_request.private_reason = None
        from requests_app.models import PrivateReason

        PrivateReason.objects.create(
            opinion_request=opinion_request, clinic=opinion_request.clinic, text="CANARY-4711"
        )
        assert "CANARY-4711" not in canonical_json(build_snapshot(opinion_request))

    def test_two_opinions_stand_side_by_side(self):
        snapshot = build_snapshot(two_opinions())
        assert [opinion["letter"] for opinion in snapshot["opinions"]] == ["A", "B"]
        report = present(snapshot)
        assert report["is_several"] and not report["they_differ"]
        assert [a["letter"] for a in report["answered"][0]["answers"]] == ["A", "B"]


class TestBlindingStatement:
    def test_it_tells_what_was_opened_before_and_after_the_seal(self):
        opinion_request = opinion_request_at("in_review")
        referral = opinion_request.referrals.get()
        by = referral.specialist.user
        early = opinion_request.case_file.documents.get()
        late = document(opinion_request.case_file, by=opinion_request.started_by,
                        blinding_class="withheld", file_name="told.pdf")  # fmt: skip
        note("document.opened", by=by, about=early)
        referral = sealed(referral)
        referral = referrals.reveal(referral, by=by)
        note("document.opened", by=by, about=late)
        complete_after_reveal(referral)
        referral = referrals.sign(Referral.objects.get(pk=referral.pk), by=by)
        opinion_request.refresh_from_db()
        blinding = build_snapshot(opinion_request)["opinions"][0]["blinding"]
        assert blinding["opened_before"] == [1]
        assert blinding["opened_after"] == [2]
        assert blinding["is_intact"] is True
        assert blinding["sha256"] == referral.opinion.seal.sha256
        assert blinding["revealed_at"] and not blinding["seal_broken_at"]

    def test_an_opening_by_somebody_else_does_not_count(self):
        opinion_request = opinion_request_at("in_review")
        only = opinion_request.case_file.documents.get()
        note("document.opened", by=coordinator(opinion_request.clinic), about=only)
        sign(opinion_request.referrals.get())
        opinion_request.refresh_from_db()
        assert build_snapshot(opinion_request)["opinions"][0]["blinding"]["opened"] == []


def complete_after_reveal(referral: Referral) -> None:
    opinion = Referral.objects.get(pk=referral.pk).opinion
    opinion.comparisons.update(result="same", why="Both agree.")
    opinion.answers.update(text="Yes.")
    opinion.options.update(benefits="Good.", harms="Bad.", is_recommended=True)
    referrals.save_completion(
        Referral.objects.get(pk=referral.pk), version=opinion.version, by=referral.specialist.user,
        plain_summary="You can keep it.", limits="Nobody was examined.",
    )  # fmt: skip


class TestPdf:
    def test_it_says_everything_and_is_tagged(self):
        report = delivered()
        pdf = render_pdf(report.snapshot, sha256=report.snapshot_sha256)
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert opened.Root.MarkInfo.Marked
            assert "/StructTreeRoot" in opened.Root
            assert str(opened.Root.Lang) == "en"
            assert report.snapshot["reference"] in str(opened.docinfo["/Title"])
        document_ = pypdfium2.PdfDocument(pdf)
        text = " ".join(
            " ".join(page.get_textpage().get_text_bounded() for page in document_).split()
        )
        document_.close()
        for words in ("You can keep your breast.", "Mastectomy", "Lumpectomy",
                      "Can I keep my breast?", report.snapshot["opinions"][0]["specialist"]["name"],
                      "NY 12345", report.snapshot_sha256, "Fully sealed"):  # fmt: skip
            assert words in text, words

    def test_the_same_snapshot_gives_the_same_bytes(self):
        report = delivered()
        again = Report.objects.get(pk=report.pk)
        first = render_pdf(report.snapshot, sha256=report.snapshot_sha256)
        assert first == render_pdf(again.snapshot, sha256=again.snapshot_sha256)

    def test_typed_addresses_open_nothing(self):
        report = delivered()
        snapshot = report.snapshot
        evil = '<img src="file:///etc/passwd"><link rel=stylesheet href="http://127.0.0.1:9/x">'
        snapshot["opinions"][0]["summary"] = evil
        html = render_html(snapshot, sha256=report.snapshot_sha256)
        assert "&lt;img" in html and "<img" not in html

    def test_a_summary_in_spanish_words_gets_a_spanish_page(self):
        opinion_request = opinion_request_at("quality_check")
        user = opinion_request.case_file.patient.user
        user.language = "es"
        user.save()
        opinion_request = type(opinion_request).objects.get(pk=opinion_request.pk)
        snapshot = build_snapshot(opinion_request)
        assert snapshot["language"] == "es"
        assert '<html lang="es">' in render_html(snapshot, sha256="0" * 64)


class TestVersions:
    def test_a_second_version_keeps_the_first(self):
        opinion_request = opinion_request_at("closed")
        first = opinion_request.reports.get()
        from requests_app import workflow as requests

        by = coordinator(opinion_request.clinic)
        opinion_request = requests.reopen(opinion_request, reason="New scan.", by=by)
        opinion_request = requests.mark_ready(opinion_request, waiver="Enough.", by=by)
        who = specialist(opinion_request.clinic)
        opinion_request = referrals.refer(opinion_request, to=who, by=by)
        referral = opinion_request.referrals.get(specialist=who)
        referrals.take(referral, by=who.user)
        sign(Referral.objects.get(pk=referral.pk))
        checker = quality_reviewer(opinion_request.clinic)
        opinion_request = referrals.begin_check(opinion_request, by=checker)
        referrals.approve(opinion_request, by=checker)
        second = opinion_request.reports.get(version=2)
        first.refresh_from_db()
        assert second.snapshot["earlier_versions"] == [{
            "version": 1, "sha256": first.snapshot_sha256,
            "delivered_at": first.delivered_at.isoformat(timespec="seconds"),
        }]  # fmt: skip
        assert len(second.snapshot["opinions"]) == 2
        assert sha256_of(canonical_json(first.snapshot)) == first.snapshot_sha256
