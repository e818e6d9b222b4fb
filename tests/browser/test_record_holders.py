"""Asking for records in a real browser: the patient signs, a hospital delivers without account."""

from __future__ import annotations

import pytest

from records import holder_links
from records.models import Document, ImagingInstance
from tests.records import asking
from tests.records.dicom import samples

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_patient_signs_and_a_hospital_delivers_through_the_door(visitor, tmp_path):
    opinion_request = asking.collecting()
    it = asking.drafted(opinion_request)
    patient = it.case_file.patient
    visitor.sign_in(patient.user).go(f"/requests/{opinion_request.pk}/").look()
    page = visitor.page
    page.get_by_role("link", name="Read and sign Lakeside Imaging").click()
    visitor.look()
    page.get_by_label("Type your full name to sign").fill("maria example")
    page.get_by_role("button", name="Sign").click()
    page.get_by_text("Thank you. It is signed.").wait_for()
    visitor.look()

    visitor.sign_in(it.created_by).go(f"/records/record-requests/{it.pk}/")
    page.get_by_role("button", name="Send it now").click()
    page.get_by_text("It is asked. The clock runs.").wait_for()
    visitor.look()
    visitor.go("/records/asks/").look()
    visitor.go(f"/records/case-files/{it.case_file_id}/record-holders/").look()
    visitor.go(f"/records/record-holders/{it.holder_id}/ask/").look()

    page.context.clear_cookies()
    visitor.go(f"/door/{holder_links.code_of(asking.link_of(it))}/")
    assert page.url.endswith("/door/")
    visitor.look()
    page.get_by_role("link", name="Read the signed permission").click()
    visitor.look()
    page.go_back()
    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF-1.4\n% a report of a scan\n")
    page.locator("#uploader-files").set_input_files(str(file))
    page.get_by_text("Sent. It is being checked.").first.wait_for()
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1, 4):
        (folder / f"{number}.dcm").write_bytes(samples.as_bytes(samples.ct(number)))
    page.locator("#images-files").set_input_files([str(one) for one in sorted(folder.iterdir())])
    page.get_by_role("button", name="Send 3 images").click()
    page.get_by_role("heading", name="3 images are here").or_(
        page.locator("[data-images-done] h2")
    ).first.wait_for()
    visitor.go("/door/")
    page.get_by_role("heading", name="Received from you so far").wait_for()
    visitor.look()
    assert Document.objects.filter(record_request=it).count() == 1
    assert ImagingInstance.objects.filter(pack__record_request=it).count() == 3
    page.get_by_role("button", name="That is everything").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    visitor.look()
    assert asking.again(it).status == "received"
    page.context.clear_cookies()
    visitor.go("/door/").look()
    visitor.go("/door/code/").look()
