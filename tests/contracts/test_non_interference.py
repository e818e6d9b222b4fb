"""The sealed review as non-interference: what is sealed has no influence on any answer.

Worlds that differ only in sealed data (text, length, count, order) are byte-identical to the
sealed specialist on every declared route; for a specialist after the reveal they differ.
"""

import os
from datetime import date

import pytest
from django.db import transaction
from django.db.models.query import QuerySet

from records import blinding
from requests_app.models.words import MessageQuerySet
from secondop.lib import second_wall
from secondop.lib.routes import SIGNED_IN, declared_routes
from specialists import desk, reading
from tests import factories as make
from tests.contracts.crawl import NOWHERE, crawl, differences, filled, patterns
from tests.contracts.hiding import Secret
from tests.contracts.worlds import build

pytestmark = [
    pytest.mark.django_db,
    # Thousands of answers are thrown away half read: a file may be closed by the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WORLDS = {
    "one": Secret("Canary lymphoma", 2),
    "longer": Secret("Zebra " + "hepatic " * 12, 5, code="K70.30", state="started", earlier=True,
                     purposes=("need_surgery",), born_on=date(1968, 12, 1), other_opinion=True,
                     asks_for_more=True, is_further=True),
    "nothing": Secret("A", 0, code="", told=False, purposes=("planned_treatment", "options")),
    # The readers: another one with another opinion, in a panel.
    "order": Secret("Mamma", 2, code="C50.912", state="finished", earlier=True,
                    other_opinion=True, in_panel=True),
}  # fmt: skip


RECORDED = {}  # what the first world answers: asked once by each process


def answers_of(secret, monkeypatch, *, only="", after=None, then=None):
    """Build a world, crawl it as its reader and undo it."""
    with transaction.atomic():
        world = build(secret)
        if after:
            after(world)
        seen = crawl(world, monkeypatch, only=only, then=then)
        transaction.set_rollback(True)
    return seen


@pytest.fixture
def first_world(db, monkeypatch):
    if not RECORDED:
        RECORDED.update(answers_of(WORLDS["one"], monkeypatch))
    return RECORDED


@pytest.mark.parametrize("name", ["longer", "nothing", "order"])
def test_sealed_data_changes_no_byte_of_any_answer(first_world, monkeypatch, name):
    found = differences(first_world, answers_of(WORLDS[name], monkeypatch))
    told = "\n".join(f"{key}: {piece}" for key, piece in list(found.items())[:12])
    assert not found, f"{name}\n{told}"


def test_the_same_secret_gives_the_same_answers(first_world, monkeypatch):
    """The control: without it a difference could come from the building and not from a leak."""
    again = answers_of(WORLDS["one"], monkeypatch, then=_look_at_the_crawl)
    assert differences(first_world, again) == {}
    assert [key for key, (status, _headers, _body) in again.items() if status >= 500] == []
    print(f"{len(again)} answers, {sum(len(a[2]) for a in again.values())} bytes")  # noqa: T201


def _look_at_the_crawl(crawler):
    _all_routes_were_asked(crawler)
    _what_is_left_out_is_nowhere(crawler)


def _what_is_left_out_is_nowhere(crawler):
    """Ids of kinds that a route does not look up: each answers as the one that is nowhere."""
    sample = crawler.left_out[:: 1 if os.environ.get("ALL_LEFT_OUT") else 40]
    assert len(sample) > 40
    for method, url, nowhere in sample:
        pk = next(pk for _table, pk in crawler.world.ids if pk in url)
        answer = crawler.ask(method, url)
        as_nowhere = (answer[0], answer[1], answer[2].replace(pk.encode(), NOWHERE.encode()))
        expected = crawler.ask(method, nowhere)
        assert expected[0] >= 400 and as_nowhere == expected, (method, url)
    told = f"{len(sample)} of {len(crawler.left_out)} left out addresses asked"
    print(told)  # noqa: T201


def _all_routes_were_asked(crawler):
    """Each route; and where a specialist is let in, more than the id that is nowhere."""
    known, asked, counted = patterns(), {url for _method, url in crawler.answers}, {}
    for name, route in declared_routes().items():
        if name not in known:
            continue
        start = "/" + known[name].split("<")[0]
        assert any(url.startswith(start) for url in asked), name
        if route.who & {SIGNED_IN, "specialist"} and "<uuid:" in known[name]:
            ids = [pk for _table, pk in crawler.world.ids if filled(known[name], pk) in asked]
            counted[name] = len(ids)
    reviews = [name for name in counted if known[name].startswith("reviews/<uuid:pk>/")]
    assert len(reviews) >= 15
    assert {counted[name] for name in reviews} == {4}  # referrals: own, offered, ended, another's
    assert counted["records:document"] >= 5
    assert sum(count > 0 for count in counted.values()) >= 45


def test_after_the_reveal_the_same_worlds_differ(monkeypatch):
    """The twin: the crawler sees what is there as soon as it may be seen."""

    def after(world):
        make.revealed(world.referral)

    one = answers_of(WORLDS["one"], monkeypatch, only="specialists:", after=after)
    other = answers_of(WORLDS["longer"], monkeypatch, only="specialists:", after=after)
    found = {key for key in differences(one, other) if key[0] == "GET"}
    print(f"{len(found)} addresses differ after the reveal")  # noqa: T201
    assert len(found) >= 5
    words = " ".join(url for _method, url in found)
    for page in ("case-file", "complete"):
        assert page in words


def _count_all(monkeypatch):
    monkeypatch.setattr(
        desk, "row_of", _with(desk.row_of, lambda r: setattr(r, "clear_count", r.all_count))
    )


def _with(function, before):
    def changed(argument):
        before(argument)
        return function(argument)

    return changed


def _show_all_documents(monkeypatch):
    honest = blinding.documents_for
    monkeypatch.setattr(
        reading, "documents_for", lambda case_file, _sight: honest(case_file, "full")
    )


def _show_words(monkeypatch):
    monkeypatch.setattr(reading, "words_for", lambda item, _sight: item.wording.text)


def _number_with_gaps(monkeypatch):
    honest = reading._questions

    def leaking(opinion_request, sight):
        count = opinion_request.questions.count()
        return tuple(
            reading.Words(f"{words.label} of {count}", f"{words.text} ({count})")
            for words in honest(opinion_request, sight)
        )

    monkeypatch.setattr(reading, "_questions", leaking)


def _show_names(monkeypatch):
    honest = blinding.documents_for
    monkeypatch.setattr(
        reading, "documents_for",
        lambda case_file, sight: [(d, d.name.file_name) for d, _t in honest(case_file, sight)],
    )  # fmt: skip


def _show_original(monkeypatch):
    monkeypatch.setattr(reading, "_safety", reading._original)


def _show_withheld_messages(monkeypatch):
    monkeypatch.setattr(MessageQuerySet, "shown_to", lambda self, _user: self)


def _exact_purposes(monkeypatch):
    monkeypatch.setattr(reading, "_asked_for", lambda request: tuple(request.purposes))


def _open_the_door(monkeypatch):
    from records.models.document import DocumentQuerySet

    def everything(self: QuerySet, _kind, _user):
        return self.available()

    monkeypatch.setattr(DocumentQuerySet, "visible_as", everything)
    honest = blinding.documents_for
    monkeypatch.setattr(
        reading, "documents_for", lambda case_file, _sight: honest(case_file, "full")
    )


LEAKS = [_count_all, _show_all_documents, _show_words, _number_with_gaps, _show_names,
         _show_original, _exact_purposes, _open_the_door, _show_withheld_messages]  # fmt: skip

WHERE = {_count_all: "specialists:desk", _show_withheld_messages: "specialists:thread"}


def _answers_with_each_leak(secret, monkeypatch):
    """One world, crawled once for each planted leak."""
    seen = {}
    with transaction.atomic():
        world = build(secret)
        for plant in LEAKS:
            only = WHERE.get(plant, "specialists:case_file")
            with monkeypatch.context() as planted, transaction.atomic():
                plant(planted)
                seen[plant.__name__] = crawl(world, monkeypatch, only=only, is_followed=False)
                transaction.set_rollback(True)
        transaction.set_rollback(True)
    return seen


def test_every_planted_leak_is_found(monkeypatch):
    """With the first wall alone: the second one would stop most of them."""
    monkeypatch.setattr(second_wall, "stand_before", lambda _reader: None)
    one = _answers_with_each_leak(WORLDS["one"], monkeypatch)
    other = _answers_with_each_leak(WORLDS["longer"], monkeypatch)
    assert [name for name in one if not differences(one[name], other[name])] == []


def test_the_second_wall_alone_stops_leaks_of_sealed_rows(monkeypatch):
    """What is left: rows that a sealed reader must have (`test_second_wall.py` says why), and an
    offer that nobody took, for which there is no grant yet.
    """
    one = _answers_with_each_leak(WORLDS["one"], monkeypatch)
    other = _answers_with_each_leak(WORLDS["longer"], monkeypatch)
    left = {name for name in one if differences(one[name], other[name])}
    assert left == {"_number_with_gaps", "_exact_purposes", "_count_all"}
