"""The page of values and history, wide and narrow, with a drawing and a form."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import factories
from tests.records import files
from tests.records.bundles import condition, nobody_s_bundle, observation, read
from tests.records.ready import screened


@pytest.mark.django_db(transaction=True)
def test_values_and_history_are_a_page_for_everybody(visitor):
    request = factories.draft()
    values = [
        observation(f"o{n}", "2857-1", 1.5 + n * 0.7, "ng/mL", f"2026-0{n + 1}-12",
                    referenceRange=[{"high": {"value": 4, "unit": "ng/mL"}}])
        for n in range(6)
    ]  # fmt: skip
    other = observation("x", "14682-9", 90, "umol/L", "2026-02-02")
    problems = [condition("c1", "Asthma", onsetDateTime="2015-05-02", clinicalStatus="active")]
    read(screened(nobody_s_bundle(*values, other, *problems), request, name="hospital.json"))
    screened(files.pdf(2), request, name="blood.pdf")
    visitor.sign_in(request.started_by)
    visitor.go(reverse("records:facts", args=[request.case_file_id]))
    visitor.look()
