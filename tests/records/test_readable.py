"""An electronic record is a page that people read: its words, none of its markup, by sight."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.urls import reverse

from records.blinding import parts_for
from records.documents import erase_removed
from records.guard import Limits
from records.models import Document, RecordPart
from records.readable import making
from records.readable.rendering import readable
from records.screening import local_copy
from secondop.accounts.roles import COORDINATOR
from tests import factories
from tests.records import files
from tests.records.bundles import condition, nobody_s_bundle, observation
from tests.records.ready import screened

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ALLOWED = {
    "p", "strong", "em", "u", "s", "sub", "sup", "br", "span", "pre", "ul", "ol", "li", "table",
    "caption", "thead", "tbody", "tr", "th", "td", "div",
}  # fmt: skip
ATTRIBUTES = {"class", "scope", "data-label", "colspan", "rowspan", "tabindex", "role",
              "aria-label"}  # fmt: skip
HOSTILE = """
<script>alert(1)</script><style>p{background:url(http://evil.example/s)}</style>
<p onclick="alert(2)" style="background:url(//evil.example/p)">Kept one</p>
<img src="http://evil.example/i.png" onerror="alert(3)" alt="Kept two &lt;script&gt;"/>
<a href="javascript:alert(4)">Kept three</a><a href="//evil.example">Kept four</a>
<iframe src="http://evil.example/f">frame</iframe><svg><script>alert(5)</script></svg>
<table background="http://evil.example/t"><tr><th onmouseover="x">Head "one</th><th>Two</th></tr>
<tr><td colspan="9999999">Kept five</td><td>&amp;lt;b&amp;gt;</td></tr></table>
<form action="http://evil.example"><input value="x"/><button>Kept six</button></form>
<list listType="ordered"><item>Kept seven<sub>2</sub></item></list>
<content styleCode="Bold xEvil">Kept eight</content>
<linkHtml href="http://evil.example/l">Kept nine</linkHtml>
<renderMultiMedia referencedObject="m1"><caption>Kept ten</caption></renderMultiMedia>
<object data="http://evil.example/o">x</object><base href="http://evil.example/"/>
<link rel="stylesheet" href="http://evil.example/c"/><meta http-equiv="refresh" content="0"/>
<paragraph>{{ 7|add:7 }} {% load x %} Kept\u202e eleven</paragraph>
"""


def cda(narrative: str, *, title: str = "Findings") -> bytes:
    return f"""<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Oncology consultation</title>
    <effectiveTime value="20260301101500+0000"/>
    <recordTarget><patientRole><patient><name><given>Maria</given><family>Example</family></name>
    <birthTime value="19700314"/></patient></patientRole></recordTarget>
    <author><time value="20260301"/><assignedAuthor><assignedPerson><name><given>Petra</given>
    <family>Doctorson</family></name></assignedPerson></assignedAuthor></author>
    <component><structuredBody><component><section><title>{title}</title>
    <author><assignedAuthor><assignedPerson><name>Inner Author</name></assignedPerson>
    </assignedAuthor></author><text>{narrative}</text>
    <component><section><title>Below</title><text>Deeper words</text></section></component>
    </section></component></structuredBody></component></ClinicalDocument>""".encode()


def fhir(narrative: str) -> bytes:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{narrative}'  # never closed
    return json.dumps({
        "resourceType": "Bundle", "type": "document", "entry": [
            {"resource": {"resourceType": "Composition", "title": "Summary", "date": "2026-03-01",
                          "author": [{"display": "Petra Doctorson"}],
                          "section": [{"title": "Findings", "text": {"status": "generated",
                                                                     "div": div}}]}},
        ]}).encode()  # fmt: skip


class Tags(HTMLParser):
    """Every tag and attribute, and all words, of a piece of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {key for key, _value in attrs}

    def handle_data(self, data):
        self.words += data + " "


def shown(document: Document, sight: str = "full", part: str = "") -> str:
    record = readable(document, sight, part)
    assert record
    return "".join(section.html for section in record.sections)


@pytest.mark.parametrize("content", [cda(HOSTILE), fhir(HOSTILE)], ids=["C-CDA", "FHIR"])
def test_words_are_kept_and_nothing_that_acts_or_points_elsewhere(client, content):
    request = factories.draft()
    document = screened(content, request)
    assert document.status == "available"
    page = Tags(shown(document))
    assert page.tags <= ALLOWED
    assert page.attributes <= ATTRIBUTES
    for number in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"):
        assert f"Kept {number}" in page.words
    assert "Kept  eleven" in page.words or "Kept eleven" in page.words
    assert "{{ 7|add:7 }}" in page.words  # words, not a template
    assert "alert" not in page.words
    client.force_login(request.started_by)
    whole = client.get(reverse("records:document", args=[document.pk])).content.decode()
    assert "Kept five" in whole
    for trace in ("evil.example", "javascript:", "onclick", "onerror", "alert("):
        assert trace not in whole
    assert 'colspan="30"' in whole or "colspan" not in whole


def test_a_section_has_its_title_author_and_place_in_the_contents(client):
    request = factories.draft()
    document = screened(cda("<paragraph>Words &lt; here</paragraph>"), request)
    client.force_login(request.started_by)
    page = client.get(reverse("records:document", args=[document.pk])).content.decode()
    for said in ("Oncology consultation", "Petra Doctorson", "Maria Example", "March 1, 2026",
                 "Inner Author", "Words &lt; here", "Deeper words"):  # fmt: skip
        assert said in page
    assert '<h2 id="section-1-1"' in page
    assert '<h3 id="section-1-2"' in page


def test_a_sealed_reader_gets_what_was_released_without_whose_and_by_whom(client):
    request = factories.opinion_request_at("in_review")
    referral = request.referrals.get()
    document = factories.document(
        request.case_file, by=request.started_by, media_type="application/cda+xml",
        content=cda("<paragraph>Released words</paragraph>"), neutral_title="Letter",
    )  # fmt: skip
    with local_copy(document) as path:
        making.make(document, path, document.media_type)
    here = reverse("records:document", args=[document.pk])
    review = reverse("specialists:case_file", args=[referral.pk]) + f"?document={document.pk}"
    client.force_login(referral.specialist.user)
    for blinding_class in ("check", "withheld"):
        Document.objects.filter(pk=document.pk).update(blinding_class=blinding_class)
        document.refresh_from_db()
        assert not parts_for(document, "sealed").exists()
        assert readable(document, "sealed") is None
        assert client.get(here).status_code == client.get(review).status_code == 404
    Document.objects.filter(pk=document.pk).update(blinding_class="clear")
    for url in (here, review):
        page = client.get(url).content.decode()
        assert "Released words" in page
        for said in ("Maria", "Doctorson", "Inner Author", "Oncology consultation",
                     "March 1"):  # fmt: skip
            assert said not in page
    copy = factories.document(
        request.case_file, by=request.started_by, content=b"%PDF-1.4 copy", parent=document,
        parent_sha256=document.sha256,
    )  # fmt: skip
    assert copy.blinding_class == "clear"
    assert not parts_for(document, "sealed").exists()
    assert client.get(here).status_code == client.get(review).status_code == 404
    assert parts_for(document, "full").exists()
    assert not parts_for(document, "").exists()


def test_a_section_that_says_who_it_is_about_is_for_full_sight():
    document = screened(json.dumps({
        "resourceType": "Patient", "name": [{"family": "Vance", "given": ["Nora"]}],
        "text": {"status": "generated", "div": "<div>Nora Vance of Elm Street</div>"},
    }).encode())  # fmt: skip
    Document.objects.filter(pk=document.pk).update(
        status="available", blinding_class="clear", classified_at=document.received_at,
        classified_by=factories.UserFactory(),
    )  # fmt: skip
    assert "Elm Street" in shown(document)
    record = readable(document, "sealed")
    assert record
    assert (record.sections, record.contents, record.facts) == ([], [], [])


def test_a_bundle_without_narrative_is_listed_by_kinds_of_resource():
    document = screened(nobody_s_bundle(
        observation("o1", "2857-1", 4.2, "ng/mL", "2026-03-01"),
        observation("o2", "2857-1", 5.2, "ng/mL", "2026-04-01", note=[{"text": "Repeat <soon>"}]),
        condition("c1", "Asthma", onsetDateTime="2010"), {"resourceType": "Claim", "id": "x"},
    ))  # fmt: skip
    record = readable(document, "full")
    assert record
    assert [section.title for section in record.sections] == ["Problems", "Values and findings"]
    values = record.sections[1].html
    assert values.index("April 1, 2026") < values.index("March 1, 2026")
    assert "5.2 ng/mL; Repeat &lt;soon&gt;" in values


def test_a_long_record_comes_in_parts_and_each_address_leads_to_its_section(
    client, django_assert_max_num_queries
):
    request = factories.draft()
    rows = "".join(f"<tr><td>Row {n} {'x' * 60}</td><td>2</td></tr>" for n in range(2000))
    table = f"<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody>{rows}</tbody></table>"
    document = screened(cda(table), request)
    total = document.parts.count()
    assert total > 2
    everything = "".join(shown(document, part=str(n)) for n in range(1, total + 1))
    assert len(re.findall(r"Row \d+ ", everything)) == 2000
    assert everything.count("<thead>") == total  # each part has the heads of its columns
    client.force_login(request.started_by)
    url = reverse("records:document", args=[document.pk])
    first = client.get(url).content.decode()
    last = re.search(r'href="(\?part=\d+#section-\d+-\d+)">Below<', first)
    assert last
    with django_assert_max_num_queries(25):
        page = client.get(url + last[1].partition("#")[0]).content.decode()
    assert f'id="{last[1].partition("#")[2]}"' in page
    assert "Deeper words" in page
    for asked in ("0", "99999", "x", "-1", "\u0663"):  # the last is a digit of another script
        assert client.get(url, {"part": asked}).status_code == 200


@pytest.mark.parametrize("path", sorted(DATA.glob("ccda/*/*")), ids=lambda path: path.name[:30])
def test_every_word_of_a_real_narrative_is_there(path):
    document = screened(path.read_bytes(), name=path.name)
    record = "".join(
        Tags("".join(f"<p>{s.title}</p>{s.html}" for s in part.sections)).words
        for n in range(1, document.parts.count() + 1)
        if (part := readable(document, "full", str(n)))
    )
    words = set(re.findall(r"\w+", record))
    root = ElementTree.fromstring(path.read_bytes())
    narratives = [s.find("{urn:hl7-org:v3}text") for s in root.iter("{urn:hl7-org:v3}section")]
    expected = {
        word for text in narratives if text is not None
        for word in re.findall(r"\w+", " ".join(text.itertext()))
    }  # fmt: skip
    assert expected or "Unstructured" in path.name
    assert expected - words == set()


def test_what_cannot_be_made_readable_is_kept_and_staff_is_told(client, monkeypatch):
    monkeypatch.setattr(making, "LIMITS", Limits(memory_bytes=1024))
    request = factories.draft()
    document = screened(cda("<paragraph>Words</paragraph>"), request)
    assert document.status in ("available", "held")
    assert document.findings["not_readable"] in ("crashed", "too_big")
    coordinator = factories.member(COORDINATOR, request.clinic)
    client.force_login(coordinator)
    page = client.get(reverse("records:document", args=[document.pk])).content.decode()
    assert "could not be made readable" in page


def test_taking_a_record_back_erases_its_words():
    document = screened(cda("<paragraph>Words</paragraph>"))
    assert RecordPart.objects.filter(document=document).exists()
    document.move_to(Document.Status.REMOVED)
    erase_removed()
    assert not RecordPart.objects.filter(document=document).exists()
    other = screened(files.pdf(1))
    assert readable(other, "full") is None
