"""Asking a record holder: named, asked, signed, sent, chased, ended. Every step in the ledger."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from records import (
    authorizations,
    chasing,
    first_doctor,
    holder_letters,
    holder_links,
    holder_mails,
    record_requests,
)
from records.legal_clocks import ACCESS, AUTHORIZED, EEA, GDPR, Term, basis_for, clock_of
from records.models import (
    Authorization,
    HolderLetter,
    HolderLink,
    HolderMail,
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


class TestTheClockTable:
    def test_every_row_has_a_source_and_a_term(self):
        for clock in (*ACCESS.values(), GDPR, AUTHORIZED):
            assert clock.source
            assert clock.office
            assert clock.office_address.startswith("https://")
            assert clock.term.days or clock.term.months

    def test_the_law_of_the_holders_country_sets_the_term(self):
        assert clock_of("US", "access").term == Term(days=30)
        assert clock_of("US", "access").extension == Term(days=30)
        assert clock_of("DE", "access") is GDPR
        assert clock_of("NO", "access") is GDPR
        assert "CH" not in EEA
        assert clock_of("CH", "access").extension is None
        assert not clock_of("US", "authorization").is_law  # 164.508 permits, it does not bind
        assert not clock_of("XX", "access").is_law
        assert basis_for("US") == "authorization"
        assert basis_for("ES") == "access"

    def test_a_month_ends_on_the_last_day_there_is(self):
        month = Term(months=1)
        end = month.after(datetime(2026, 1, 31, 12, tzinfo=UTC), "Europe/Madrid")
        assert end.date() == date(2026, 2, 28)
        end = Term(months=2).after(datetime(2026, 12, 15, 12, tzinfo=UTC), "UTC")
        assert end == datetime(2027, 2, 15, 12, tzinfo=UTC)


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


class TestTheCalendar:
    def moved(self, it, days):
        """The ask as if it had been sent that many days earlier."""
        RecordRequest.objects.filter(pk=it.pk).update(
            sent_at=it.sent_at - days * DAY, due_at=it.due_at - days * DAY
        )
        return asking.again(it)

    def test_each_step_is_taken_once_and_the_last_one_tells_the_clinic(self):
        it = asking.sent()
        assert chasing.chase() == 0
        seen = []
        for day in (6, 7, 14, 25, 29, 30, 45):
            asking_at = self.moved(asking.again(it), 0)
            passed = (timezone.now() - asking_at.sent_at).days
            self.moved(asking_at, day - passed)
            seen += [(day, chasing.chase()), (day, chasing.chase())]
        assert [n for _day, n in seen] == [0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0]
        steps = [new for kind, new in kinds(it) if kind == "step"]
        assert steps == ["day 7", "day 14", "day 25", "due"]
        assert list(it.mails.exclude(message="asked").order_by("created_at")
                    .values_list("message", flat=True)) == ["reminder"] * 3 + ["due"]  # fmt: skip
        assert it.letters.filter(kind="escalation").count() == 1
        assert told("record_overdue") == [it.created_by.email]

    def test_by_post_a_person_is_told_to_send_the_reminder(self):
        it = self.moved(asking.sent(channel="post"), 8)
        assert chasing.chase() == 1
        assert told("record_reminder_due") == [it.created_by.email]
        assert not it.mails.exists()
        assert it.letters.filter(kind="reminder").count() == 1

    def test_after_the_one_extension_there_is_a_second_end(self):
        it = self.moved(asking.sent(), 31)
        chasing.chase()
        it = record_requests.extend(asking.again(it), reason="Archive move", by=it.created_by)
        assert it.due_at > timezone.now()
        with pytest.raises(Refused, match="no second time"):
            record_requests.extend(it, reason="Again", by=it.created_by)
        assert chasing.chase() == 0
        self.moved(it, 30)
        assert chasing.chase() == 1
        assert ("step", "due again") in kinds(it)

    def test_where_the_law_names_no_extension_there_is_none(self):
        it = asking.sent(country="CH")
        with pytest.raises(Refused, match="no extension"):
            record_requests.extend(it, reason="Please", by=it.created_by)

    def test_what_has_ended_or_is_not_needed_is_left_in_peace(self):
        ended, closed = asking.sent(), asking.sent()
        record_requests.resolve(ended, outcome="received", by=ended.created_by)
        closed.case_file.is_open_for_records = False
        closed.case_file.save()
        for it in (ended, closed):
            self.moved(it, 40)
        assert chasing.chase() == 0
        [row] = closed.mails.all()
        holder_mails.deliver(row)
        assert mail.outbox == []

    @pytest.mark.django_db(transaction=True)
    def test_two_sweeps_at_once_take_one_step(self):
        it = self.moved(asking.sent(), 8)
        taken, gate = [], threading.Barrier(2)

        def sweep():
            gate.wait()
            taken.append(chasing.chase())
            connection.close()

        threads = [threading.Thread(target=sweep) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(taken) == 1
        assert [new for kind, new in kinds(it) if kind == "step"] == ["day 7"]


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


class TestTheFirstDoctor:
    PLACES = [("First Hospital", True), ("FIRST hospital of Springfield", True),
              ("Dr. Original, practice", True), ("Dr Oríginal", True),
              ("Lakeside Imaging", False), ("General Hospital", False)]  # fmt: skip

    @pytest.mark.parametrize(("name", "is_theirs"), PLACES)
    def test_their_place_is_known_by_its_telling_words(self, name, is_theirs):
        holder = asking.holder_of(asking.collecting(), name=name)
        assert first_doctor.is_first_doctors(holder) is is_theirs
        assert holder.is_first_doctor is is_theirs

    def test_not_told_sends_nothing_on_any_path(self, django_capture_on_commit_callbacks):
        """No mail, no link, no job about them until the patient has said so for this very ask."""
        opinion_request = asking.collecting()
        with django_capture_on_commit_callbacks(execute=True):
            it = asking.drafted(opinion_request, name="First Hospital", email="first@first.example")
            patient = it.case_file.patient
            assert first_doctor.choice_of(it.case_file) == "not_told"
            with pytest.raises(Refused, match="first doctor"):
                asking.signed(it)  # without the tick the signature itself is refused
            # even with a signature that does not say so, nothing may go out
            Authorization.objects.filter(record_request=it).update(
                signed_at=timezone.now(), signed_by=patient.user, signed_name="Maria Example"
            )
            RecordRequest.objects.filter(pk=it.pk).update(status="authorized")
            for path in (
                lambda it: record_requests.send(it, channel="email", by=it.created_by),
                lambda it: record_requests.send(it, channel="post", by=it.created_by),
                lambda it: record_requests.remind(it, by=it.created_by),
                lambda it: record_requests.renew_link(it, by=it.created_by),
                lambda it: record_requests.escalate(it, kind="escalation", by=it.created_by),
            ):
                with pytest.raises(Refused):
                    path(asking.again(it))
        assert HolderLink.objects.count() == 0
        assert HolderMail.objects.count() == 0
        assert HolderLetter.objects.count() == 0
        assert not any("first" in address for m in mail.outbox for address in m.to)
        # a mail that was queued before the patient changed their mind is not sent either
        RecordRequest.objects.filter(pk=it.pk).update(
            status="sent", sent_at=timezone.now() - 40 * DAY, channel="email",
            due_at=timezone.now() - DAY,
        )  # fmt: skip
        holder_links.open_link(asking.again(it))
        holder_mails.queue_mail(asking.again(it), "asked", once="asked")
        holder_mails.deliver(HolderMail.objects.get())
        chasing.chase()
        assert HolderMail.objects.count() == 1
        assert HolderLetter.objects.count() == 0
        assert not any("first" in address for m in mail.outbox for address in m.to)

    def test_with_consent_it_goes_out_and_invited_says_so(self):
        it = asking.drafted(name="First Hospital")
        it = asking.signed(it, tells_first_doctor=True)
        it = record_requests.send(it, channel="email", by=it.created_by)
        assert it.status == "sent"
        case_file = it.case_file
        first_doctor.choose(case_file, "invited", by=case_file.patient.user)
        assert not first_doctor.needs_consent(it.holder)
        with pytest.raises(Refused):
            first_doctor.choose(case_file, "not_told", by=it.created_by)  # the patient's alone


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
