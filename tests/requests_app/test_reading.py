"""Patient pages can be read by people who are tired, old or afraid: grade 8 at most, in English."""

import re
from html.parser import HTMLParser

import pytest
import textstat
from django.urls import reverse

from tests.factories import UserFactory, add_statement, draft, opinion_request_at

pytestmark = pytest.mark.django_db

MOST = 8.0
WRITING = ("task_list", "about", "told", "questions", "records", "review", "check", "discard")
AFTER = ("status", "messages", "withdraw", "access_log")
STATES = ("submitted", "needs_patient", "collecting", "in_review", "delivered", "returned")


class Sentences(HTMLParser):
    """The running text of <main>: the blocks that end like a sentence."""

    BLOCKS = {"p", "li", "div", "legend", "label", "h1", "h2", "h3", "dd", "dt", "button", "span"}
    SILENT = {"script", "style", "textarea", "option", "select", "time", "template"}

    def __init__(self):
        super().__init__()
        self.inside, self.silent, self.parts = False, 0, []

    def handle_starttag(self, tag, attrs):
        if tag == "main":
            self.inside = True
        if tag in self.SILENT:
            self.silent += 1
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        if tag == "main":
            self.inside = False
        if tag in self.SILENT:
            self.silent -= 1
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data):
        if self.inside and not self.silent:
            self.parts.append(data)

    def sentences(self):
        blocks = (" ".join(block.split()) for block in "".join(self.parts).split("\n\n"))
        whole = [b for b in re.split(r"\n+", "\n".join(blocks)) if re.search(r"[.?!]$", b.strip())]
        return [
            s for block in whole for s in re.split(r"(?<=[.?!])\s+", block) if len(s.split()) > 2
        ]


def grade(html):
    reader = Sentences()
    reader.feed(html)
    found = reader.sentences()
    if len(found) < 3:
        return 0.0
    text = " ".join(found)
    ari, coleman_liau = (
        textstat.automated_readability_index(text),
        textstat.coleman_liau_index(text),
    )
    return (ari + coleman_liau) / 2


def test_the_measure_tells_hard_text_from_plain():
    hard = (
        "<main>" + "<p>The multidisciplinary committee subsequently recommended"
        " comprehensive immunohistochemical characterisation of the excised specimen.</p>"
        * 4
        + "</main>"
    )
    plain = "<main>" + "<p>We read your records. Then we write to you.</p>" * 4 + "</main>"
    assert grade(hard) > 15
    assert grade(plain) < 5


@pytest.mark.parametrize("name", ["requests:start", "requests:emergency", "requests:begin"])
def test_the_first_pages(client, name):
    client.force_login(UserFactory())
    assert grade(client.get(reverse(name)).content.decode()) <= MOST


@pytest.mark.parametrize("page", WRITING)
def test_pages_of_writing(client, page):
    mine = draft()
    add_statement(mine, "story", "It began in May.")
    client.force_login(mine.started_by)
    address = reverse(f"requests:{page}", args=[mine.pk])
    assert grade(client.get(address).content.decode()) <= MOST


@pytest.mark.parametrize("state", STATES)
def test_the_status_page(client, state):
    mine = opinion_request_at(state)
    client.force_login(mine.started_by)
    assert grade(client.get(mine.get_absolute_url()).content.decode()) <= MOST


@pytest.mark.parametrize("page", AFTER)
def test_pages_beside_it(client, page):
    mine = opinion_request_at("needs_patient")
    client.force_login(mine.started_by)
    address = reverse(f"requests:{page}", args=[mine.pk])
    assert grade(client.get(address).content.decode()) <= MOST
