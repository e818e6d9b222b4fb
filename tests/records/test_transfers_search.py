"""Looking for a person in a real archive: spelled as the clinic spells it, found as it is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from records.transfers.looking import forms_of
from records.transfers.pages import likely_query
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.records.moving import a_transfer, run
from tests.records.peers import Archive, orthanc

THERE = {  # study, and the name, number and birth date that the archive holds
    "1.2.1": ("Family^Given", "A 1", "19700314"),
    "1.2.2": ("MÜLLER^JÖRG", "B-2", "19600101"),
    "1.2.3": ("Miller^Jorge", "B*2", "19620202"),
    "1.2.4": ("van der Berg^Anna Maria", "C/3", "19800101"),
    "1.2.5": ("O'Neil^Pat", "A1", "19810101"),
    "1.2.6": ("Family^Other", "A+1", "19990101"),
}


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with orthanc() as one:
        for uid, (name, number, born) in THERE.items():
            person = {"PatientName": name, "PatientID": number, "PatientBirthDate": born}
            object_ = ct(1, study=uid, series=uid + ".1", SpecificCharacterSet="ISO_IR 192")
            for keyword, value in person.items():
                setattr(object_, keyword, value)
            one.put(as_bytes(object_))
        yield one


@pytest.mark.django_db
class TestLook:
    @pytest.mark.parametrize("kind", ["dicomweb", "dimse"])
    def test_the_person_is_found_however_the_archive_reads_the_question(self, archive, kind):
        case_file = a_case_file()
        peer = archive.peer(case_file.clinic, kind)

        def found(query):
            transfer = run(a_transfer(peer, case_file, query=query))
            assert (transfer.status, transfer.last_error) == ("done", "")
            return set(transfer.studies.values_list("StudyInstanceUID", flat=True))

        for full_name, born, uid in [
            ("Given Family", date(1970, 3, 14), "1.2.1"),
            ("Jörg Müller", date(1960, 1, 1), "1.2.2"),
            ("Jörg Mueller", date(1960, 1, 1), "1.2.2"),
            ("Anna van der Berg", date(1980, 1, 1), "1.2.4"),
            ("Pat O'Neil", date(1981, 1, 1), "1.2.5"),
            ("Pat O’Neil", date(1981, 1, 1), "1.2.5"),  # noqa: RUF001 - as telephones type it
        ]:
            patient = case_file.patient
            patient.full_name, patient.born_on = full_name, born
            patient.save()
            likely = likely_query(case_file)
            name = likely["PatientName"]
            assert uid in found({"PatientName": name}), full_name
            assert found({"PatientName": name, "PatientBirthDate": f"{born:%Y%m%d}"}) == {uid}
        assert found({"PatientName": "Family^Given*"}) == {"1.2.1"}
        assert found({"PatientName": "family, given*"}) == {"1.2.1"}
        # A number is the number, whatever has to be asked to find it.
        for uid, (_name, number, _born) in THERE.items():
            if "*" not in number:  # the form refuses those
                assert found({"PatientID": number}) == {uid}, number
        assert found({"PatientName": "Nobody*", "PatientBirthDate": "20010101"}) == set()


class TestFormsOf:
    def test_a_question_never_widens_to_everybody(self):
        asked = [form["PatientName"] for form in forms_of({"PatientName": "王*"})]
        assert asked == ["王*"]
        both = list(forms_of({"PatientName": "Müller*", "PatientBirthDate": "19600101"}))
        assert [form.get("PatientName") for form in both] == [
            "Müller*",
            "M*ller*",
            "*M*LLER*",
            None,
        ]
        assert all(form["PatientBirthDate"] == "19600101" for form in both)
        assert list(forms_of({"PatientID": "A1"})) == [{"PatientID": "A1"}]
