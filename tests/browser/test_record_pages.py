"""An electronic record as a page: wide and narrow, with tables, lists and its contents."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import factories
from tests.records.ready import screened
from tests.records.test_readable import HOSTILE, cda


@pytest.mark.django_db(transaction=True)
def test_a_record_is_read_on_a_desk_and_on_a_phone(visitor):
    request = factories.draft()
    document = screened(cda(HOSTILE), request, name="hospital.xml")
    visitor.sign_in(request.started_by)
    visitor.go(reverse("records:document", args=[document.pk]))
    visitor.look()
    assert visitor.page.locator(".so-record__section").count() == 2
