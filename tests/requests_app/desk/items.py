"""Papers, hits and answers: what the tests of the blinding desk work with."""

from __future__ import annotations

import re

from django.urls import reverse
from django.utils import timezone

from records import blinding
from records.models import BlindingHit, BlindingSearch, DocumentPage
from requests_app.desk_items import desk_of
from requests_app.models import OpinionRequest
from tests.factories import coordinator, document
from tests.records.nasty import WORD


def paper(it, content: bytes = b"", pages: int = 1, **fields):
    common = {"blinding_class": "", "neutral_title": "", "page_count": pages}
    row = document(it.case_file, by=it.started_by, content=content, **common | fields)
    for number in range(1, pages + 1):
        DocumentPage.objects.create(
            clinic=row.clinic, case_file=row.case_file, document=row, number=number, key=row.key,
            width=1000, height=1400, text="", size_bytes=1,
        )  # fmt: skip
    return row


def hit(row, about="document", **fields) -> BlindingHit:
    found = fields.pop("found", WORD)
    common = {
        "clinic_id": row.clinic_id, "case_file_id": row.case_file_id, "about_type": about,
        "about_id": row.pk, "position": BlindingHit.objects.count() + 1, "place": "page_text",
        "found": found, "excerpt": f"We advise {found} soon", "found_at": 10, "why": "treatment",
        "because": "mastectomy", "page": 1, "boxes": [[0.1, 0.2, 0.3, 0.25]],
    }  # fmt: skip
    return BlindingHit.objects.create(**common | fields)


def searched(row, about="document", **fields) -> BlindingSearch:
    """The row that says that the search of an item has ended."""
    count = BlindingHit.objects.of(about, row.pk).count()
    values = {"status": "done", "searched_at": timezone.now(), "hit_count": count} | fields
    search, _new = BlindingSearch.objects.update_or_create(
        about_type=about, about_id=row.pk, defaults=values,
        create_defaults=values | {"clinic_id": row.clinic_id, "case_file_id": row.case_file_id},
    )  # fmt: skip
    return search


def about_of(row) -> str:
    names = {"document": "document", "question": "question", "patientstatement": "statement"}
    return names[row._meta.model_name]


def item_of(it, row):
    desk = desk_of(OpinionRequest.objects.get(pk=it.pk))
    return desk.find(f"{about_of(row)}-{row.pk}")


def desk_url(it) -> str:
    return reverse("requests:prepare", args=[it.pk])


def answer(client, it, row, action, **more):
    item = item_of(it, row)
    data = {"item": item.key, "seen": item.seen, "action": action}
    return client.post(reverse("requests:decide", args=[it.pk]), data | more)


def cover(client, it, row, action, **more):
    data = {"item": f"document-{row.pk}", "page": 1, "action": action}
    return client.post(reverse("requests:redaction_areas", args=[it.pk]), data | more)


def page_of(client, it, row=None, **asked) -> str:
    if row is not None:
        asked["item"] = f"{about_of(row)}-{row.pk}"
    response = client.get(desk_url(it), asked)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def sealed_titles(it) -> list[str]:
    return [title for _row, title in blinding.documents_for(it.case_file, "sealed")]


def taken_by(it, who):
    """A specialist has the case in hand, and reads it sealed."""
    from requests_app import workflow as requests
    from specialists import workflow as referrals

    by = coordinator(it.clinic)
    requests.mark_ready(OpinionRequest.objects.get(pk=it.pk), waiver="Enough.", by=by)
    row = referrals.refer(OpinionRequest.objects.get(pk=it.pk), to=who, by=by)
    referrals.take(it.referrals.get(), by=who.user)
    return row
