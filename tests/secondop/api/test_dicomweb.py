"""The DICOMweb edge for people with full sight: store, search, retrieve, and its status codes."""

import gzip
import json
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.http import QueryDict
from django.test import Client

from records.dicom.packs import Damaged
from records.models import ImagingInstance, ImagingPack, ImagingStudy
from secondop.api.dicomweb import query
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store
from tests.secondop.api.dicomweb_files import BOUNDARY, root, signed_in, stow, whole

pytestmark = pytest.mark.django_db
STUDY, SERIES = "1.2.3.4", "1.2.3.4.5"
JSON = {"accept": "application/dicom+json"}


@pytest.fixture
def case_file():
    return a_case_file()


@pytest.fixture
def client(case_file):
    return signed_in(case_file.patient.user)


def part(response):
    """The single part of a multipart answer, without its head."""
    body = whole(response)
    boundary = response["Content-Type"].partition("boundary=")[2].encode()
    assert body.startswith(b"--" + boundary)
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")
    return body[body.index(b"\r\n\r\n") + 4 : -len(boundary) - 8]


class TestStore:
    def test_all_stored_is_200_with_references(self, client, case_file):
        one, two = ct(1), ct(2)
        response = stow(client, case_file, as_bytes(one), as_bytes(two))
        assert response.status_code == 200
        assert response["Content-Type"] == "application/dicom+json"
        told = response.json()
        stored = [item["00081155"]["Value"][0] for item in told["00081199"]["Value"]]
        assert stored == [one.SOPInstanceUID, two.SOPInstanceUID]
        assert "00081198" not in told
        assert told["00081190"]["Value"] == [f"{root(case_file)}/studies/{STUDY}"]

    def test_the_same_again_is_200_and_stores_nothing(self, client, case_file):
        file = as_bytes(ct(1))
        assert stow(client, case_file, file).status_code == 200
        assert stow(client, case_file, file).status_code == 200
        assert ImagingInstance.objects.count() == 1

    def test_some_failed_is_202_each_with_a_sentence(self, client, case_file):
        response = stow(client, case_file, as_bytes(ct(1)), b"MZ" * 500)
        assert response.status_code == 202
        other = response.json()["0008119A"]["Value"][0]
        assert "not an image" in other["00000902"]["Value"][0]

    def test_none_stored_is_409(self, client, case_file):
        first, other = ct(1), ct(1, PatientComments="changed")
        other.SOPInstanceUID = first.SOPInstanceUID
        stow(client, case_file, as_bytes(first))
        response = stow(client, case_file, as_bytes(other))
        assert response.status_code == 409
        failed = response.json()["00081198"]["Value"][0]
        assert failed["00081197"]["Value"] == [0x0111]
        assert failed["00081155"]["Value"] == [first.SOPInstanceUID]

    def test_an_object_of_another_study_than_named_fails(self, client, case_file):
        response = stow(client, case_file, as_bytes(ct(1)), study="1.2.999")
        assert response.status_code == 409
        assert not ImagingInstance.objects.exists()

    @pytest.mark.parametrize("kind", ["application/dicom", "multipart/form-data; boundary=x",
                                      'multipart/related; type="application/dicom+xml"; boundary=x'])  # fmt: skip  # noqa: E501
    def test_another_content_type_is_415(self, client, case_file, kind):
        response = client.post(root(case_file) + "/studies", data=b"x", content_type=kind)
        assert response.status_code == 415

    @pytest.mark.parametrize("body", [b"nothing", f"--{BOUNDARY}\r\n\r\nabc".encode(),
                                      f"--{BOUNDARY}\r\nA: {'b' * 9000}\r\n\r\n".encode()])  # fmt: skip  # noqa: E501
    def test_a_body_that_is_cut_off_is_400(self, client, case_file, body):
        kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
        response = client.post(root(case_file) + "/studies", data=body, content_type=kind)
        assert response.status_code == 400
        assert not ImagingInstance.objects.exists()

    def test_too_much_is_413(self, client, case_file, settings):
        settings.MAX_CASE_FILE_BYTES = 100
        assert stow(client, case_file, as_bytes(ct(1))).status_code == 413

    @pytest.mark.parametrize(
        "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}]
    )
    def test_another_site_may_not_store(self, client, case_file, headers):
        assert stow(client, case_file, as_bytes(ct(1)), **headers).status_code == 403

    def test_a_closed_case_file_is_409(self, client, case_file):
        case_file.is_open_for_records = False
        case_file.save()
        assert stow(client, case_file, as_bytes(ct(1))).status_code == 409


class TestSearch:
    @pytest.fixture(autouse=True)
    def _stored(self, case_file):
        other = [
            ct(n, series="1.2.3.4.6", SeriesNumber=3, SeriesDescription="Bones") for n in (1, 2)
        ]
        later = ct(1, study="1.2.9", series="1.2.9.1", StudyDate="20250301", AccessionNumber="ACC2")
        store(case_file, *(as_bytes(d) for d in (ct(1), ct(2), ct(3), *other, later)))

    def ask(self, client, case_file, path):
        response = client.get(root(case_file) + path, headers=JSON)
        assert response.status_code == 200, response.content
        return response.json()

    def test_studies_tell_what_the_standard_asks(self, client, case_file):
        study = self.ask(client, case_file, "/studies")[0]
        assert study["0020000D"]["Value"] == [STUDY]
        assert study["00080061"]["Value"] == ["CT"]
        assert study["00201206"]["Value"] == [2]
        assert study["00201208"]["Value"] == [5]
        assert study["00100010"]["Value"] == [{"Alphabetic": "Example^Maria"}]
        assert study["00081190"]["Value"] == [f"{root(case_file)}/studies/{STUDY}"]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("", 2),
            ("?limit=1", 1),
            ("?limit=1&offset=1", 1),
            ("?offset=2", 0),
            ("?StudyInstanceUID=1.2.9", 1),
            ("?0020000D=1.2.9", 1),
            ("?StudyInstanceUID=1.2.9,1.2.3.4", 2),
            ("?StudyInstanceUID=1.2.9%5C1.2.3.4", 2),
            ("?StudyDate=20240101-20241231", 1),
            ("?StudyDate=-20240115", 1),
            ("?StudyDate=20250301-", 1),
            ("?StudyDate=20240115", 1),
            ("?PatientName=exam*", 2),
            ("?PatientName=E?ample*", 2),
            ("?PatientName=nobody", 0),
            ("?AccessionNumber=ACC2", 1),
            ("?ModalitiesInStudy=CT", 2),
            (
                "?00100020=P1&limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060",
                2,
            ),
        ],
    )
    def test_keys_match_as_the_standard_says(self, client, case_file, asked, found):
        assert len(self.ask(client, case_file, "/studies" + asked)) == found

    def test_stars_cost_no_more_than_letters(self):
        rows = [{"00081030": {"vr": "LO", "Value": ["a" * 64]}}]
        for key, found in (("*a" * 40 + "b", []), ("*a" * 40, rows), ("[a]*", [])):
            asked = query.parse(QueryDict(f"StudyDescription={key}"))
            assert query.answer(rows, asked, {"00081030"}) == found

    def test_includefield_adds_what_is_asked(self, client, case_file):
        plain = self.ask(client, case_file, "/studies")[0]
        asked = self.ask(client, case_file, "/studies?includefield=StudyDescription")[0]
        every = self.ask(client, case_file, "/studies?includefield=all")[0]
        assert "00081030" not in plain
        assert asked["00081030"]["Value"] == ["CT chest, carcinoma follow-up"]
        assert "00081030" in every

    def test_series_come_in_order_with_counts(self, client, case_file):
        rows = self.ask(client, case_file, f"/studies/{STUDY}/series")
        assert [row["00201209"]["Value"][0] for row in rows] == [3, 2]
        none = self.ask(client, case_file, f"/studies/{STUDY}/series?SeriesDescription=bo*")
        assert none == []  # only names of persons match in either case
        one = self.ask(client, case_file, f"/studies/{STUDY}/series?SeriesDescription=Bones")
        assert one[0]["0020000E"]["Value"] == ["1.2.3.4.6"]
        assert len(self.ask(client, case_file, "/series")) == 3

    def test_instances_plain_and_asked_tell_the_same(self, client, case_file):
        path = f"/studies/{STUDY}/series/{SERIES}/instances"
        plain = self.ask(client, case_file, path)
        asked = self.ask(client, case_file, path + "?SOPClassUID=1.2.840.10008.5.1.4.1.1.2")
        assert [row["00200013"]["Value"][0] for row in plain] == [1, 2, 3]
        for one, other in zip(plain, asked, strict=True):
            assert {tag: one[tag] for tag in other} == other
        assert len(self.ask(client, case_file, path + "?limit=2&offset=2")) == 1
        assert len(self.ask(client, case_file, path + "?InstanceNumber=2")) == 1
        assert len(self.ask(client, case_file, f"/studies/{STUDY}/instances")) == 5
        assert len(self.ask(client, case_file, "/instances")) == 6

    @pytest.mark.parametrize("asked", ["?limit=x", "?NoSuchKeyword=1", "?limit=-1"])
    def test_a_bad_key_is_400(self, client, case_file, asked):
        assert client.get(root(case_file) + "/studies" + asked).status_code == 400

    def test_an_unknown_study_is_404_and_other_types_406(self, client, case_file):
        assert client.get(root(case_file) + "/studies/9.9/series").status_code == 404
        xml = {"accept": 'multipart/related; type="application/dicom+xml"'}
        assert client.get(root(case_file) + "/studies", headers=xml).status_code == 406

    def test_the_cost_is_the_same_for_any_number(
        self, client, case_file, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(16):
            self.ask(client, case_file, f"/studies/{STUDY}/series/{SERIES}/instances")
        with django_assert_max_num_queries(16):
            self.ask(client, case_file, "/studies")


class TestRetrieve:
    @pytest.fixture
    def files(self, case_file):
        data = [ct(1), ct(2), ct(3)]
        self.raw = [as_bytes(one) for one in data]
        store(case_file, *self.raw)
        return data

    def at(self, case_file, data, end=""):
        return f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/instances/{data.SOPInstanceUID}{end}"  # noqa: E501

    def test_series_metadata_is_built_once_and_kept_compressed(self, client, case_file, files):
        path = f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/metadata"
        response = client.get(path, headers=JSON | {"accept-encoding": "gzip"})
        assert response["Content-Encoding"] == "gzip"
        told = json.loads(gzip.decompress(response.content))
        assert [row["00200013"]["Value"][0] for row in told] == [1, 2, 3]
        assert told[0]["7FE00010"]["BulkDataURI"].startswith(f"{root(case_file)}/studies/{STUDY}/")
        again = client.get(path, headers=JSON | {"if-none-match": response["ETag"]})
        assert again.status_code == 304
        assert client.get(path, headers=JSON).json() == told

    def test_a_new_slice_appears_in_the_metadata(self, client, case_file, files):
        path = f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/metadata"
        before = client.get(path, headers=JSON)
        store(case_file, as_bytes(ct(4)))
        after = client.get(path, headers=JSON)
        assert len(after.json()) == len(before.json()) + 1
        assert after["ETag"] != before["ETag"]

    def test_metadata_of_three_levels_agree(self, client, case_file, files):
        study = client.get(f"{root(case_file)}/studies/{STUDY}/metadata", headers=JSON).json()
        one = client.get(self.at(case_file, files[1], "/metadata"), headers=JSON).json()
        assert [one[0]] == [row for row in study if row["00080018"] == one[0]["00080018"]]

    @pytest.mark.parametrize(
        "accept",
        [
            'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1, */*',  # noqa: E501
            "*/*",
            'multipart/related; type="image/jls"; q=0.9, multipart/related; type="*/*"',
        ],
    )
    def test_a_frame_is_the_stored_bytes_however_it_is_asked(
        self, client, case_file, files, accept
    ):
        response = client.get(self.at(case_file, files[0], "/frames/1"), headers={"accept": accept})
        assert response.status_code == 200
        assert part(response) == files[0].PixelData
        assert "no-store" not in response["Cache-Control"]
        assert "private" in response["Cache-Control"]

    def test_a_frame_as_a_single_part(self, client, case_file, files):
        path, headers = (
            self.at(case_file, files[0], "/frames/1"),
            {"accept": "application/octet-stream"},
        )
        response = client.get(path, headers=headers)
        assert whole(response) == files[0].PixelData
        assert response["Content-Type"].startswith("application/octet-stream")

    @pytest.mark.parametrize(
        ("frame", "status"), [("0", 404), ("2", 404), ("1,1", 200), (",", 400)]
    )
    def test_frame_numbers(self, client, case_file, files, frame, status):
        assert client.get(self.at(case_file, files[0], f"/frames/{frame}")).status_code == status

    def test_an_instance_is_what_was_sent_without_its_preamble(self, client, case_file):
        data = ct(1)
        data.preamble = b"MZ" + b"\x90" * 126
        raw = as_bytes(data)
        store(case_file, raw)
        response = client.get(self.at(case_file, data), headers={"accept": "application/dicom"})
        assert whole(response) == bytes(128) + raw[128:]
        response = client.get(self.at(case_file, data))
        assert part(response) == bytes(128) + raw[128:]

    def test_altered_bytes_never_look_complete(self, client, case_file, files):
        pack = ImagingPack.objects.get()
        with Path(default_storage.path(pack.key)).open("r+b") as file:
            file.seek(700)
            file.write(b"\xee\xee")
        headers = {"accept": "application/dicom"}
        every = [client.get(self.at(case_file, one), headers=headers) for one in files]
        with pytest.raises(Damaged):
            [whole(response) for response in every]

    def test_a_series_and_a_study_come_whole(self, client, case_file, files):
        for path in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
            body = whole(client.get(root(case_file) + path))
            assert all(raw in body for raw in self.raw)

    def test_bulk_data_at_its_address(self, client, case_file):
        data = ct(1)
        block = data.private_block(0x29, "SYN", create=True)
        block.add_new(0x10, "OB", bytes(range(200)))
        store(case_file, as_bytes(data))
        path = f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/metadata"
        address = client.get(path, headers=JSON).json()[0]["00291010"]["BulkDataURI"]
        response = client.get(address, headers={"accept": "application/octet-stream"})
        assert whole(response) == bytes(range(200))
        assert client.get(address.replace("00291010", "00291099")).status_code == 404

    def test_a_thumbnail_is_made_in_the_child_and_kept(self, client, case_file, files, run_jobs):
        run_jobs()
        path = f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/thumbnail"
        response = client.get(path, headers={"accept": "image/jpeg"})
        assert response.status_code == 200
        assert response.content.startswith(b"\xff\xd8\xff")
        again = client.get(path, headers={"if-none-match": response["ETag"]})
        assert again.status_code == 304
        full = client.get(self.at(case_file, files[0], "/rendered?viewport=8,8"))
        assert full.status_code == 200

    def test_opening_a_study_is_noted_once(self, client, case_file, files):
        from secondop.audit.models import AuditEvent

        for _ in range(3):
            client.get(f"{root(case_file)}/studies/{STUDY}/series/{SERIES}/metadata", headers=JSON)
        assert AuditEvent.objects.filter(verb="imaging.opened").count() == 1


class TestAccess:
    def test_a_stranger_gets_404_everywhere(self, case_file):
        store(case_file, as_bytes(ct(1)))
        client = signed_in(factories.UserFactory())
        for path in ("/studies", f"/studies/{STUDY}/series", f"/studies/{STUDY}/metadata"):
            response = client.get(root(case_file) + path, headers=JSON)
            assert response.status_code == 404
            assert response["Content-Type"] == "application/json"
        assert stow(client, case_file, as_bytes(ct(2))).status_code == 404

    def test_without_a_session_it_is_401_and_no_page(self, case_file):
        for accept in ("application/dicom+json", "*/*", "image/jpeg", ""):
            response = Client().get(root(case_file) + "/studies", headers={"accept": accept})
            assert response.status_code == 401
        assert stow(Client(), case_file, as_bytes(ct(1))).status_code == 401

    def test_a_uid_of_another_case_file_is_not_found(self, case_file):
        other = a_case_file()
        store(other, as_bytes(ct(1)))
        client = signed_in(case_file.patient.user)
        assert client.get(f"{root(case_file)}/studies/{STUDY}/series").status_code == 404

    def test_a_held_study_is_seen_by_who_sent_it_only(self, case_file):
        store(case_file, as_bytes(ct(1)))
        ImagingStudy.objects.update(status="held")
        reader = factories.specialist(case_file.clinic).user
        from tests.secondop.api.dicomweb_files import granted

        granted(case_file, reader, "full")
        assert len(signed_in(case_file.patient.user).get(root(case_file) + "/studies").json()) == 1
        assert signed_in(reader).get(root(case_file) + "/studies").json() == []
