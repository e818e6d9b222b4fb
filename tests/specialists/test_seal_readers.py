"""Two readers of one request: nothing that the one does may be seen by the other before the seal.

Every page the second reader can reach is compared, to the byte, before and after each step of the
first. Only what differs from answer to answer (tokens, the number of a request) is taken out.
"""

import re
from collections import Counter
from itertools import pairwise

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse

from secondop.notifications.models import Notification
from specialists import workflow
from specialists.models import EarlierOpinion
from specialists.workflow.several import draw_letters
from tests.factories import (
    coordinator,
    opinion_request_at,
    revealed,
    sealed,
    sign,
    specialist,
    write_independent,
)
from tests.secondop.api.dicomweb_files import signed_in, whole
from tests.specialists.test_several import both_sealed, fresh, readers

pytestmark = pytest.mark.django_db
LINK = re.compile(rb'(?:href|src|hx-get)="(/[^"#]*)')
NOT_FOLLOWED = re.compile(r"^/(static|account|demo|jsi18n)/")
DIFFERS = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"')
HEADERS = ("ETag", "Last-Modified", "Content-Length", "Location", "Cache-Control", "Vary")
MOST_PAGES = 60
COMPARED_AFTER = ("seals", "asks for more", "gets it")


def url(name, row):
    return reverse(f"specialists:{name}", args=[row.pk])


def seen_by(referral):
    """Address -> status, headers and body of everything a reader can walk to, and guess."""
    client = signed_in(referral.specialist.user)
    guesses = ("others", "complete", "seal_file", "sign", "revise", "seal", "thread", "break_seal")
    orders = ("order=status", "order=-sealed_at", "order=specialist", "sort=signed", "q=carcinoma")
    todo = ["/reviews/", *(url(name, referral) for name in guesses)]
    todo += [f"/reviews/?{order}" for order in orders]
    found = {}
    while todo and len(found) < MOST_PAGES:
        address = todo.pop(0)
        if address in found or NOT_FOLLOWED.match(address):
            continue
        answer = client.get(address, headers={"Accept": "text/html"})
        body = DIFFERS.sub(b"", whole(answer))
        headers = {name: answer.headers.get(name) for name in HEADERS}
        found[address] = (answer.status_code, headers, body)
        links = LINK.findall(body) if answer.status_code == 200 else []
        todo += [link.decode().replace("&amp;", "&") for link in links]
    assert len(found) < MOST_PAGES
    told = Notification.objects.filter(to=referral.specialist.user)
    found["told"] = sorted(told.values_list("message", "path", "reference"))
    found["mails"] = [m.subject for m in mail.outbox if referral.specialist.user.email in m.to]
    return found


def differences(before, after):
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def steps_of(first, by):
    """What the first reader does, one thing after the other."""
    me = first.specialist.user

    def ask():
        workflow.ask_for_more(fresh(first), text="Please get the MRI.", by=me)

    yield "writes", lambda: write_independent(fresh(first))
    yield "tells the clinic", lambda: workflow.write_to_clinic(fresh(first), text="Hello", by=me)
    yield "seals", lambda: workflow.seal(fresh(first), by=me)
    yield "opens", lambda: workflow.reveal(fresh(first), by=me)
    yield (
        "revises",
        lambda: workflow.revise(
            fresh(first), field="plan", after="Wait.", reason="A letter.", by=me
        ),
    )
    yield "asks for more", ask
    yield "gets it", lambda: workflow.resume(fresh(first.opinion_request), by=by)


@pytest.mark.parametrize("second_is", ["taken", "offered", "sealed", "revealed"])
def test_no_step_of_one_reader_is_seen_by_the_other(second_is):
    case = opinion_request_at("ready")
    by = coordinator(case.clinic)
    for _n in range(2):
        workflow.refer(fresh(case), to=specialist(case.clinic), by=by)
    first, second = case.referrals.order_by("offered_at")
    workflow.take(first, by=first.specialist.user)
    if second_is != "offered":
        workflow.take(fresh(second), by=second.specialist.user)
    if second_is in ("sealed", "revealed"):
        {"sealed": sealed, "revealed": revealed}[second_is](fresh(second))
    seen_by(second)  # openings are noted once
    before = seen_by(second)
    assert len(before) > 15 or second_is == "offered"
    for name, step in steps_of(first, by):
        step()
        if name in COMPARED_AFTER:
            # Who knows the first opinion already must wait with signing while records come.
            waits = (second_is, name) == ("revealed", "asks for more")
            expected = [url("sign", second)] if waits else []
            assert differences(before, seen_by(second)) == expected, name


def test_the_end_of_one_review_is_not_seen_by_the_other():
    """Signed, broken for safety, declined, recalled: each from the same start."""
    _case, by, (first, second) = readers()
    me = first.specialist.user
    ends = {
        "signed": lambda: sign(fresh(first)),
        "broken": lambda: workflow.break_seal(fresh(first), reason="A clot in the lung.", by=me),
        "declined": lambda: workflow.decline(fresh(first), reason="no_time", by=me),
        "recalled": lambda: workflow.recall(fresh(first), by=by),
    }
    seen_by(second)
    before = seen_by(second)
    for name, end in ends.items():
        with transaction.atomic():
            end()
            assert differences(before, seen_by(second)) == [], name
            transaction.set_rollback(True)
    with transaction.atomic():  # so that the search is known to see
        revealed(fresh(second))
        assert differences(before, seen_by(second))
        transaction.set_rollback(True)


def further_reader(case, *, by):
    third = specialist(case.clinic)
    workflow.ask_further_reader(
        fresh(case), to=third, axes=["diagnosis"], reason="Two diseases.", by=by
    )
    further = case.referrals.get(specialist=third)
    workflow.take(further, by=third.user)
    return further


def test_after_both_have_sealed_names_and_ids_stay_hidden_from_a_further_reader():
    case, by, first, second = both_sealed()
    further = further_reader(case, by=by)
    revealed(fresh(further))
    pages = seen_by(further)
    assert b"Opinion A" in pages[url("others", further)][2]
    for earlier in (first, second):
        who = earlier.specialist
        for secret in (who.user.full_name, who.user.email, str(who.pk), str(who.user_id),
                       str(earlier.pk), earlier.opinion.seal.sha256):  # fmt: skip
            for address, answer in pages.items():
                assert secret not in repr(answer), (secret, address)


def test_the_letters_follow_neither_ids_nor_times_nor_names():
    """60 draws: each order of the two lies between 12 and 48 (beyond that once in a million)."""
    case, by, first, second = both_sealed()
    further = further_reader(case, by=by)
    drawn = []
    for _n in range(60):
        with transaction.atomic():
            draw_letters(fresh(further), by=further.specialist.user)
            rows = EarlierOpinion.objects.filter(referral=further).order_by("letter")
            drawn.append(tuple(row.earlier_id for row in rows))
            assert [row.letter for row in rows] == ["A", "B"]
            transaction.set_rollback(True)
    counted = Counter(order[0] for order in drawn)
    assert set(counted) == {first.pk, second.pk}
    assert all(12 <= n <= 48 for n in counted.values()), counted
    changes = sum(one != other for one, other in pairwise(drawn))
    assert 10 <= changes <= 49, "the draws follow each other"
