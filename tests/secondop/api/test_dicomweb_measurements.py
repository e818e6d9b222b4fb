"""Measurements saved from a viewer: kept for their author under true UIDs, seen by nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from records import grants
from records.models import ImagingInstance, ImagingStudy, MeasurementReport
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.secondop.api.dicomweb_files import root, signed_in, stow

pytestmark = pytest.mark.django_db
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
FRAME_OF_REFERENCE = "1.2.826.0.1.9"


@pytest.fixture
def case_file():
    case_file = a_case_file()
    store(case_file, *(as_bytes(ct(n, FrameOfReferenceUID=FRAME_OF_REFERENCE)) for n in (1, 2)))
    clear(case_file)
    return case_file


def reader_of(case_file, *, sight="sealed", role="specialist"):
    make = {"specialist": factories.specialist, "quality_reviewer": factories.quality_reviewer}
    made = make[role](case_file.clinic)
    user = getattr(made, "user", made)
    until = timezone.now() + timedelta(days=1)
    grants.grant(case_file, to=user, as_role=role, sight=sight, until=until, by=user)
    return user


def coded(code):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def content(value_type, concept, relation="CONTAINS", inside=(), **values):
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, value_type
    if concept:
        item.ConceptNameCodeSequence = [coded(concept)]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    if inside:
        item.ContentSequence = list(inside)
    return item


def report(study, series, instance, *, frame_of_reference="", **changes):
    """As OHIF writes one: a length on one image, by nobody known."""
    image = Dataset()
    image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.ReferencedSOPInstanceUID = instance
    seen = content("IMAGE", None, "SELECTED FROM", ReferencedSOPSequence=[image])
    points = {"GraphicData": [1.0, 2.0, 30.5, 40.0], "GraphicType": "POLYLINE"}
    place = content("SCOORD", None, "INFERRED FROM", [seen], **points)
    if frame_of_reference:
        place.ReferencedFrameOfReferenceUID = frame_of_reference
    value = Dataset()
    value.NumericValue, value.MeasurementUnitsCodeSequence = "45.91", [coded(codes.UCUM.Millimeter)]
    length = content("NUM", codes.SCT.Length, "CONTAINS", [place], MeasuredValueSequence=[value])
    finding = content("CODE", codes.DCM.Finding, ConceptCodeSequence=[coded(codes.SCT.Liver)])
    group = content("CONTAINER", codes.DCM.MeasurementGroup, inside=[finding, length])
    who = content("PNAME", codes.DCM.PersonObserverName, "HAS OBS CONTEXT")
    who.PersonName = "unknown^unknown"
    data = content("CONTAINER", codes.DCM.ImagingMeasurementReport, inside=[
        who, content("CONTAINER", codes.DCM.ImagingMeasurements, inside=[group])])  # fmt: skip
    del data.RelationshipType
    data.SOPClassUID, data.SOPInstanceUID = ENHANCED_SR, generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = study, generate_uid()
    data.Modality, data.SeriesDescription, data.SeriesNumber = "SR", "My lengths", 3001
    data.PatientComments = "canary"
    data.add_new(0x00091001, "LO", "canary")
    data.file_meta = FileMetaDataset()
    for keyword, changed in changes.items():
        setattr(data, keyword, changed)
    return data


def file_of(data):
    return as_bytes(data, ImplicitVRLittleEndian)


def named(case_file, *, sealed):
    study, one = ImagingStudy.objects.get(), ImagingInstance.objects.order_by("InstanceNumber")[0]
    if sealed:
        return study.alias_uid, one.series.alias_uid, one.alias_uid
    return study.StudyInstanceUID, one.series.SeriesInstanceUID, one.SOPInstanceUID


def rows(client, case_file, study):
    told = client.get(f"{root(case_file)}/studies/{study}/series").json()
    return [row for row in told if row["00080060"]["Value"] == ["SR"]]


def test_a_sealed_reader_gets_back_what_was_measured_and_nobody_else_does(case_file):
    author, other = reader_of(case_file), reader_of(case_file)
    uids = named(case_file, sealed=True)
    true = named(case_file, sealed=False)
    client = signed_in(author)
    alias = client.get(
        f"{root(case_file)}/studies/{uids[0]}/series/{uids[1]}/metadata"
    ).json()[0]["00200052"]["Value"][0]  # fmt: skip
    sent = report(*uids, frame_of_reference=alias)
    for _twice in range(2):
        answer = stow(client, case_file, file_of(sent))
        assert answer.status_code == 200, answer.content
    reference = answer.json()["00081199"]["Value"][0]
    assert reference["00081155"]["Value"] == [sent.SOPInstanceUID]

    kept = MeasurementReport.objects.get()
    assert (kept.by, kept.sight, kept.title) == (author, "sealed", "My lengths")
    assert kept.items == [{"label": "Liver", "values": [["Length", 45.91, "mm"]], "image": 1}]
    assert kept.evidence == [[*true, "1.2.840.10008.5.1.4.1.1.2"]]
    assert true[2] in str(kept.content)
    assert FRAME_OF_REFERENCE in str(kept.content)
    assert not ImagingInstance.objects.filter(SOPClassUID=ENHANCED_SR).exists()

    [row] = rows(client, case_file, uids[0])
    series = row["0020000E"]["Value"][0]
    path = f"{root(case_file)}/studies/{uids[0]}/series/{series}"
    body = client.get(f"{path}/metadata").content.decode()
    assert author.full_name in body
    assert uids[2] in body
    assert alias in body
    for hidden in ("unknown", "canary", *true, FRAME_OF_REFERENCE, "Example"):
        assert hidden not in body
    [one] = client.get(f"{path}/instances").json()
    instance = one["00080018"]["Value"][0]
    assert client.get(f"{path}/instances/{instance}/metadata").status_code == 200
    assert client.get(f"{path}/instances/1.2/metadata").status_code == 404

    for stranger in (other, case_file.patient.user, factories.coordinator(case_file.clinic)):
        theirs = signed_in(stranger)
        study = uids[0] if stranger == other else true[0]
        assert rows(theirs, case_file, study) == []
        for end in ("metadata", "instances", f"instances/{instance}/metadata"):
            address = f"{root(case_file)}/studies/{study}/series/{series}/{end}"
            assert theirs.get(address).status_code == 404, (stranger, end)


def test_after_the_reveal_it_names_the_originals(case_file):
    author, checker = reader_of(case_file), reader_of(
        case_file, sight="full", role="quality_reviewer"
    )  # fmt: skip
    stow(signed_in(author), case_file, file_of(report(*named(case_file, sealed=True))))
    true = named(case_file, sealed=False)
    assert rows(signed_in(checker), case_file, true[0]) == []  # not while its author is sealed
    grants.widen(case_file, to=author, until=timezone.now() + timedelta(days=1), by=author)
    for reader in (author, checker):
        client = signed_in(reader)
        [row] = rows(client, case_file, true[0])
        series = row["0020000E"]["Value"][0]
        address = f"{root(case_file)}/studies/{true[0]}/series/{series}/metadata"
        body = client.get(address).content.decode()
        assert true[2] in body
        assert author.full_name in body
    assert rows(signed_in(reader_of(case_file, sight="full")), case_file, true[0]) == []


def test_only_measurements_on_what_is_seen_are_taken(case_file, settings):
    client = signed_in(reader_of(case_file))
    alias, true = named(case_file, sealed=True), named(case_file, sealed=False)
    refused = {
        "an image": as_bytes(ct(3)),
        "true names": file_of(report(*true)),
        "no such image": file_of(report(alias[0], alias[1], "1.2.3")),
        "no content": file_of(report(*alias, ContentSequence=[])),
        "no object": b"MZ" * 300,
    }
    for name, file in refused.items():
        assert stow(client, case_file, file).status_code == 403, name
    assert stow(client, case_file, b"x" * (2 * 1024**2 + 1)).status_code == 413
    too_many = report(*alias)
    too_many.ContentSequence = [too_many.ContentSequence[1]] * 4000
    assert stow(client, case_file, file_of(too_many)).status_code in (403, 413)
    assert not MeasurementReport.objects.exists()


def test_patients_measurements_do_not_become_records(case_file):
    client = signed_in(case_file.patient.user)
    file = file_of(report(*named(case_file, sealed=False)))
    referer = f"http://testserver/viewer/{case_file.pk}/viewer"
    assert stow(client, case_file, file, Referer=referer).status_code == 403
    assert not ImagingInstance.objects.filter(SOPClassUID=ENHANCED_SR).exists()
