"""Asking a record holder: named, asked, signed, sent, chased, ended. Every step in the ledger."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from records import (
    authorizations,
    first_doctor,
    holder_letters,
    holder_links,
    holder_mails,
    record_requests,
)
from records.models import (
    Authorization,
    HolderLetter,
    HolderLink,
    RecordRequest,
    RecordRequestEvent,
)
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from tests import factories
from tests.records import asking

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def kinds(record_request):
    return [(e.kind, e.new) for e in record_request.events.order_by("at", "id")]


def told(message):
    return list(Notification.objects.filter(message=message).values_list("to__email", flat=True))


class TestAsking:
    def test_it_walks_from_a_name_to_a_signed_and_sent_ask(
        self, django_capture_on_commit_callbacks
    ):
        opinion_request = asking.collecting()
        with django_capture_on_commit_callbacks(execute=True):
            it = asking.drafted(opinion_request)
        paper = asking.paper_of(it)
        patient = it.case_file.patient
        assert it.status == "drafted"
        assert told("authorization_needed") == [patient.user.email]
        # 45 CFR 164.508(c): every core element is there, and in the text that is signed
        for part in (paper.who_discloses, paper.to_whom, paper.purpose, *paper.what.splitlines()):
            assert part
            assert part in paper.text
        for statement in ("take it back", "insurance depend", "pass them on", "until"):
            assert statement in paper.text.lower()
        assert patient.full_name in paper.text
        assert paper.text_sha256 == hashlib.sha256(paper.text.encode()).hexdigest()
        with pytest.raises(Refused):
            record_requests.send(it, channel="email", by=it.created_by)

        it = asking.signed(it)
        paper = asking.paper_of(it)
        assert (it.status, paper.signed_name) == ("authorized", patient.full_name)
        assert paper.signed_from == "192.0.2.7"
        assert told("authorization_signed") == [it.created_by.email]
        with django_capture_on_commit_callbacks(execute=True):
            it = record_requests.send(it, channel="email", by=it.created_by)
        assert it.status == "sent"
        assert it.due_at - it.sent_at == 30 * DAY
        assert kinds(it) == [("moved", "drafted"), ("moved", "authorized"), ("moved", "sent")]
        assert {letter.kind for letter in it.letters.all()} == {"ask", "authorization"}
        link = asking.link_of(it)
        assert link.token_sha256 == hashlib.sha256(holder_links.code_of(link).encode()).hexdigest()

    def test_the_mail_holds_a_link_and_nothing_about_the_patient(self):
        it = asking.sent()
        row = it.mails.get()
        holder_mails.deliver(row)
        [message] = mail.outbox
        patient = it.case_file.patient
        whole = message.subject + message.body
        assert message.to == [it.holder.email]
        assert holder_links.address_of(asking.link_of(it)) in whole
        assert it.reference in whole
        for private in (patient.full_name, "Maria", "MRI", "breast", "biopsy", "Lakeside"):
            assert private not in whole
        authorizations.take_back(asking.paper_of(it), by=patient.user)
        holder_mails.deliver(row)  # tried again after the permission ended: nothing leaves
        assert len(mail.outbox) == 1

    def test_outside_the_united_states_it_is_an_access_letter(self):
        it = asking.drafted(country="ES")
        paper = asking.paper_of(it)
        assert (it.basis, paper.basis) == ("access", "access")
        assert "Article 15" in paper.text
        assert "DICOM" in paper.text

    def test_a_signature_must_be_the_signers_name_and_the_text_unchanged(self):
        it = asking.drafted()
        patient = it.case_file.patient
        assert authorizations.is_name_of(" maría  EXAMPLE", "Maria Example")
        assert not authorizations.is_name_of("Mario Example", "Maria Example")
        Authorization.objects.update(text="Something else")
        with pytest.raises(Refused, match="changed"):
            asking.signed(it)
        with pytest.raises(Refused):  # not the clinic's to sign
            authorizations.sign(
                asking.paper_of(it), name=patient.full_name, tells_first_doctor=False,
                from_ip="", by=it.created_by,
            )  # fmt: skip

    def test_the_database_refuses_half_signatures_and_second_live_papers(self):
        it = asking.drafted()
        paper = asking.paper_of(it)
        for change in ({"signed_at": timezone.now()}, {"what": ""}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Authorization.objects.filter(pk=paper.pk).update(**change)
        with pytest.raises(IntegrityError), transaction.atomic():
            paper.pk = None
            paper._state.adding = True
            paper.save()

    def test_the_ledger_only_grows(self):
        it = asking.drafted()
        for sql in ("UPDATE records_recordrequestevent SET text = 'x'",
                    "DELETE FROM records_recordrequestevent"):  # fmt: skip
            with (
                pytest.raises(ProgrammingError, match="only ever added"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(sql)
        assert it.events.count() == 1

    def test_nobody_but_the_clinic_asks_and_nobody_else_sees_it(self):
        it = asking.drafted()
        stranger = factories.coordinator()
        for user in (it.case_file.patient.user, stranger):
            with pytest.raises(Refused):
                record_requests.ask(it.holder, asking.ITEMS, by=user)
        assert not RecordRequest.objects.visible_to(stranger).exists()
        assert not Authorization.objects.visible_as("specialist", stranger).exists()
        assert RecordRequest.objects.visible_to(it.case_file.patient.user).get() == it


class TestEnding:
    def test_a_refusal_needs_its_reason_and_leads_on(self):
        it = asking.sent()
        with pytest.raises(Refused, match="reason"):
            record_requests.resolve(it, outcome="refused", by=it.created_by)
        it = record_requests.resolve(
            it, outcome="refused", text="Not our patient", by=it.created_by
        )
        record_requests.escalate(it, kind="complaint", by=it.created_by)
        page = holder_letters.html_of(it.letters.get(kind="complaint"))
        assert "Not our patient" in page
        assert "Office for Civil Rights" in page
        it = record_requests.send(asking.again(it), channel="fax", by=it.created_by)
        assert (it.status, it.channel) == ("sent", "fax")

    def test_taking_back_ends_everything_at_once(self):
        it = asking.sent()
        link = asking.link_of(it)
        assert HolderLink.objects.live().filter(pk=link.pk).exists()
        authorizations.take_back(asking.paper_of(it), by=it.case_file.patient.user)
        assert not HolderLink.objects.live().exists()
        assert asking.again(it).status == "stopped"
        assert told("authorization_revoked") == [it.created_by.email]
        with pytest.raises(Refused):
            record_requests.remind(asking.again(it), by=it.created_by)

    def test_a_link_dies_with_its_paper_by_the_databases_clock(self):
        it = asking.sent()
        Authorization.objects.update(expires_on=timezone.localdate() - 2 * DAY)
        assert not HolderLink.objects.live().exists()
        assert not record_requests.may_reach(it)

    def test_a_new_link_ends_the_old_one(self):
        it = asking.sent()
        old = holder_links.code_of(asking.link_of(it))
        it = record_requests.renew_link(it, by=it.created_by)
        assert holder_links.find(old) is None
        new = holder_links.code_of(asking.link_of(it))
        assert holder_links.find(holder_links.spoken(new)) == asking.link_of(it)


class TestLetters:
    def test_they_are_tagged_pdfs_with_the_link_as_code_and_picture(self):
        it = asking.sent(language="es", country="ES", address="Calle Mayor 1\n28001 Madrid")
        code = holder_links.spoken(holder_links.code_of(asking.link_of(it)))
        for kind in ("ask", "reminder", "escalation", "authorization"):
            letter = record_requests.write_letter(it, kind)
            page = holder_letters.html_of(letter)
            assert (code in page) == (kind != "authorization")
            assert ("<svg" in page) == (kind != "authorization")
        letter = HolderLetter.claim(it.letters.filter(kind="ask").first().pk)
        with letter.attempt():
            holder_letters.write(letter)
        letter.refresh_from_db()
        assert letter.status == "done"
        from django.core.files.storage import default_storage

        with default_storage.open(letter.key) as stored:
            pdf = stored.read()
        assert pdf.startswith(b"%PDF-")
        assert hashlib.sha256(pdf).hexdigest() == letter.sha256


class TestThePages:
    def test_the_list_of_open_asks_costs_the_same_at_one_and_at_many(
        self, client, django_assert_max_num_queries
    ):
        it = asking.sent()
        client.force_login(it.created_by)
        url = reverse("holders:asks")
        client.get(url)
        with django_assert_max_num_queries(14) as few:
            page = client.get(url)
        assert it.reference in page.content.decode()
        assert it.holder.name in page.content.decode()
        for _ in range(6):
            other = asking.drafted(factories.opinion_request_at("collecting", it.clinic))
        with django_assert_max_num_queries(len(few)):
            page = client.get(url)
        assert other.reference in page.content.decode()
        assert other.reference not in client.get(url, {"status": "sent"}).content.decode()
        late = client.get(url, {"late": "on"}).content.decode()
        assert it.reference not in late

    def test_the_list_reads_one_index(self):
        it = asking.sent()
        from records.asks import listed

        rows = listed(it.created_by, it.clinic_id).order_by("due_at", "id")[:50]
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            plan = rows.explain()
            cursor.execute("SET enable_seqscan = on")
        assert "record_request_open" in plan

    def test_a_coordinator_goes_from_the_case_to_a_sent_ask_in_the_browser_of_forms(self, client):
        opinion_request = asking.collecting()
        who = factories.coordinator(opinion_request.clinic)
        client.force_login(who)
        case_file = opinion_request.case_file
        page = client.get(reverse("holders:of_case_file", args=[case_file.pk]))
        assert "First Hospital" in page.content.decode()  # prefilled from the original diagnosis
        add = reverse("holders:add", args=[case_file.pk])
        form = client.get(add).context["form"]
        assert form.initial["name"] == "First Hospital"
        answer = client.post(add, {"name": "County Lab", "kind": "laboratory", "country": "US",
                                   "email": "lab@county.example", "language": "en"})  # fmt: skip
        holder = case_file.record_holders.get()
        assert answer.url == reverse("holders:ask", args=[holder.pk])
        items = {"items-TOTAL_FORMS": "4", "items-INITIAL_FORMS": "0", "items-0-kind": "",
                 "items-0-what": "", "items-0-form": "reports"}  # fmt: skip
        assert client.post(answer.url, items).status_code == 422
        items |= {"items-0-kind": "lab_results", "items-0-what": "Blood counts",
                  "items-0-from_on": "2026-01-01", "items-0-until_on": "2026-06-30"}  # fmt: skip
        made = client.post(answer.url, items)
        it = case_file.record_requests.get()
        assert made.url == it.get_absolute_url()
        page = client.get(made.url).content.decode()
        assert "Waits for the patient" in page
        client.force_login(case_file.patient.user)
        sign = reverse("holders:authorization", args=[asking.paper_of(it).pk])
        mine = client.get(reverse("holders:mine", args=[case_file.pk])).content.decode()
        assert sign in mine
        assert client.post(sign, {"name": "Somebody Else"}).status_code == 422
        assert client.post(sign, {"name": "maria example"}).status_code == 302
        client.force_login(who)
        step = reverse("holders:step", args=[it.pk])
        client.post(step, {"step": "send", "channel": "post"})
        assert asking.again(it).status == "sent"
        client.post(step, {"step": "note", "text": "Called the desk"})
        client.post(step, {"step": "remind"})
        client.post(step, {"step": "escalate"})
        client.post(step, {"step": "extend", "text": "Archive"})
        page = client.get(made.url).content.decode()
        for words in (
            "Called the desk",
            "Reminded",
            "The term was extended",
            "Letter that presses",
        ):
            assert words in page
        client.post(step, {"step": "outcome", "outcome": "not_held", "text": ""})
        assert asking.again(it).status == "not_held"
        client.force_login(case_file.patient.user)
        page = client.get(reverse("holders:mine", args=[case_file.pk])).content.decode()
        assert "They do not have it" in page

    def test_a_patient_adds_a_place_and_decides_about_the_first_doctor(self, client):
        opinion_request = asking.collecting()
        case_file = opinion_request.case_file
        client.force_login(case_file.patient.user)
        add = reverse("holders:add", args=[case_file.pk])
        client.post(add, {"name": "Village Practice", "kind": "practice", "country": "US"})
        page = client.get(reverse("holders:mine", args=[case_file.pk])).content.decode()
        assert "Village Practice" in page
        url = reverse("holders:first_doctor", args=[case_file.pk])
        assert client.get(url).status_code == 200
        assert (
            client.post(url, {"choice": "takes_part"}).status_code == 422
        )  # not the patient's to pick
        client.post(url, {"choice": "told_after"})
        assert first_doctor.choice_of(case_file) == "told_after"

    def test_a_letter_is_opened_by_the_clinic_alone_and_noted(self, client):
        it = asking.sent()
        letter = HolderLetter.claim(it.letters.get(kind="ask").pk)
        with letter.attempt():
            holder_letters.write(letter)
        url = reverse("holders:letter", args=[it.pk, letter.pk])
        client.force_login(it.case_file.patient.user)
        assert client.get(url).status_code == 404
        client.force_login(it.created_by)
        answer = client.get(url)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content).startswith(b"%PDF")


def test_events_are_told_in_words():
    from records.asks import event_in_words

    for kind in RecordRequestEvent.Kind:
        event = RecordRequestEvent(kind=kind, new="sent" if kind == "moved" else "", count=1)
        assert event_in_words(event) or kind in ("arrived", "step")
