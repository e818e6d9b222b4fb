"""The public page that checks a report: choose the file, read the result; nothing is sent."""

import json

import pytest

from secondop.lib.canonical import canonical_json, sha256_of
from tests.factories import opinion_request_at

pytestmark = pytest.mark.django_db(transaction=True)


def test_anybody_checks_a_report_in_the_browser(visitor, tmp_path):
    text = canonical_json(opinion_request_at("delivered").reports.get().snapshot)
    path = tmp_path / "second-opinion.json"
    path.write_text(text, encoding="utf-8")
    page = visitor.go("/verify/").page
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.set_input_files("#verify-file", str(path))
    page.fill("#verify-fingerprint", sha256_of(text))
    page.click("text=Check it here")
    page.wait_for_selector("text=This file is in order.")
    result = page.inner_text("[data-verify-result]")
    assert sha256_of(text) in result
    assert "Every sealed opinion matches its fingerprint." in result
    assert "issued this very file" not in result
    visitor.look("public-verify-fine")

    report = json.loads(text)
    report["opinions"][0]["blinding"]["seal"]["sealed"]["opinion"]["plan"] = "Something else"
    page.set_input_files("#verify-file", [])
    page.fill("#verify-text", json.dumps(report))
    page.click("text=Check it here")
    page.wait_for_selector("text=Something is wrong with this file.")
    result = page.inner_text("[data-verify-result]")
    assert "A sealed opinion does not match its fingerprint" in result
    assert "What this proves" not in result
    visitor.look("public-verify-wrong")
    assert [url for url in sent if "/static/" not in url] == []
