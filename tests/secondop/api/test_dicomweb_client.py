"""An independent client, `dicomweb-client`, walks our server as any other archive's."""

import warnings
from urllib.parse import urljoin

import pytest

from tests.factories import PASSWORD
from tests.records.dicom.samples import a_case_file, ct
from tests.secondop.api.dicomweb_files import root, signed_in

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dicomweb_client = pytest.importorskip("dicomweb_client")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def case_file():
    assert PASSWORD
    return a_case_file()


@pytest.fixture
def client(live_server, case_file):
    import requests

    session = requests.Session()
    cookie = signed_in(case_file.patient.user).cookies["session"].value
    session.cookies.set("session", cookie)
    return dicomweb_client.DICOMwebClient(url=live_server.url + root(case_file), session=session)


def test_it_stores_searches_and_retrieves(client, case_file, live_server):
    data = [ct(n) for n in (1, 2, 3)]
    for one in data:
        one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    stored = client.store_instances(datasets=data)
    assert len(stored.ReferencedSOPSequence) == 3

    studies = client.search_for_studies(search_filters={"PatientID": "P1"}, limit=5)
    assert [study["0020000D"]["Value"][0] for study in studies] == ["1.2.3.4"]
    series = client.search_for_series("1.2.3.4")
    assert series[0]["00201209"]["Value"] == [3]
    assert len(client.search_for_instances("1.2.3.4", "1.2.3.4.5", limit=2, offset=1)) == 2
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []

    one = ("1.2.3.4", "1.2.3.4.5", data[1].SOPInstanceUID)
    assert len(client.retrieve_study_metadata("1.2.3.4")) == 3
    told = client.retrieve_series_metadata("1.2.3.4", "1.2.3.4.5")
    assert [row["00200013"]["Value"][0] for row in told] == [1, 2, 3]
    assert client.retrieve_instance_metadata(*one)["00080018"]["Value"] == [data[1].SOPInstanceUID]

    frames = client.retrieve_instance_frames(*one, frame_numbers=[1])
    assert frames == [data[1].PixelData]
    whole = client.retrieve_instance(*one)
    assert whole.PixelData == data[1].PixelData
    assert whole.StudyDescription == data[1].StudyDescription
    assert len(client.retrieve_series("1.2.3.4", "1.2.3.4.5")) == 3
    assert len(client.retrieve_study("1.2.3.4")) == 3
    address = urljoin(live_server.url, told[0]["7FE00010"]["BulkDataURI"])
    assert client.retrieve_bulkdata(address)[0] == data[0].PixelData
    picture = client.retrieve_instance_rendered(*one, media_types=("image/jpeg",))
    assert picture.startswith(b"\xff\xd8\xff")
