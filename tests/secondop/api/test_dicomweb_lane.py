"""The short way to a frame is one query, and whatever ends a right to read ends it at once."""

import re

import pytest
from django.core.cache import cache
from django.utils import timezone

from records import grants, imaging_lane
from records.models import ImagingInstance, ImagingPack, ImagingSeries, ImagingStudy
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.secondop.api.dicomweb_files import granted, root, signed_in, stow

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_file():
    case_file = a_case_file()
    store(case_file, as_bytes(ct(1)))
    clear(case_file)
    return case_file


@pytest.fixture(params=["sealed", "full", "patient", "coordinator"])
def reading(request, case_file):
    """A person who has opened a frame, their client and the frame's address."""
    one = ImagingInstance.objects.select_related("series__study").get()
    names = one.series.study.StudyInstanceUID, one.series.SeriesInstanceUID, one.SOPInstanceUID
    if request.param in ("sealed", "full"):
        user = factories.specialist(case_file.clinic).user
        granted(case_file, user, request.param)
        if request.param == "sealed":
            names = one.series.study.alias_uid, one.series.alias_uid, one.alias_uid
    elif request.param == "patient":
        user = case_file.patient.user
    else:
        user = factories.coordinator(case_file.clinic)
    path = f"{root(case_file)}/studies/{{}}/series/{{}}/instances/{{}}/frames/1".format(*names)
    client = signed_in(user)
    assert client.get(path).status_code == 200
    return user, client, path, request.param


def test_the_second_frame_is_one_query(reading, django_assert_num_queries):
    _user, client, path, _how = reading
    first = client.get(path, headers={"accept": "application/octet-stream"})
    with django_assert_num_queries(0):
        again = client.get(path, headers={"accept": "application/octet-stream"})
    assert again.content == first.content
    with django_assert_num_queries(0):
        assert client.get(path, headers={"if-none-match": again["ETag"]}).status_code in (200, 304)


def below(path, end):
    """The address above a frame that ends so: of the frame itself, its series, or all studies."""
    levels = {"": path, "studies": path.partition("/studies/")[0] + "/studies",
              "series": path.partition("/series/")[0] + "/series"}  # fmt: skip
    return levels.get(end, path.partition("/instances/")[0] + "/" + end)


ENDS = ["", "metadata", "instances", "series", "studies"]


@pytest.mark.parametrize(
    ("end", "most"), [("metadata", 3), ("instances", 3), ("series", 4), ("studies", 4)]
)
def test_metadata_and_search_take_the_short_way_too(
    reading, end, most, django_assert_max_num_queries
):
    _user, client, path, _how = reading
    address = below(path, end)
    headers = {"accept": "application/dicom+json"}
    first = client.get(address, headers=headers)
    with django_assert_max_num_queries(most):
        again = client.get(address, headers=headers)
    assert again.status_code == 200
    assert again.content == first.content
    client.logout()
    assert client.get(address, headers=headers).status_code == 401


def test_a_thumbnail_takes_the_short_way_too(reading, case_file, django_assert_num_queries):
    user, client, path, how = reading
    address = path.partition("/instances/")[0] + "/thumbnail"
    long = client.get(address)  # made now
    assert long["Content-Type"] == "image/jpeg"
    client.get(address)
    client.get(address)  # the query for the same one again is prepared now
    with django_assert_num_queries(0):
        short = client.get(address)
    assert (short.status_code, short.content) == (200, long.content)
    assert headers_of(short) == headers_of(long)
    assert client.get(address, headers={"accept": "text/css"}).status_code == 406
    if how == "sealed":
        ImagingSeries.objects.update(blinding_class="withheld")
        assert client.get(address).status_code == 404
        ImagingSeries.objects.update(blinding_class="clear")
    ImagingStudy.objects.update(status="quarantined")
    assert client.get(address).status_code == 404
    ImagingStudy.objects.update(status="available")
    if how in ("sealed", "full"):
        grants.revoke(case_file, to=user, by=None)
        assert client.get(address).status_code == 404


def test_a_thumbnail_is_of_the_middle_after_each_batch(reading, case_file):
    _user, client, path, _how = reading
    address = path.partition("/instances/")[0] + "/thumbnail"
    seen = {client.get(address)["ETag"] for _ in range(4)}
    assert len(seen) == 1
    store(case_file, *(as_bytes(ct(n)) for n in (2, 3, 4)))
    clear(case_file)
    first = client.get(address)["ETag"]
    assert first not in seen
    assert [client.get(address)["ETag"] for _ in range(3)] == [first] * 3
    ImagingPack.objects.update(quarantined_at=timezone.now())
    assert client.get(address).status_code == 404


def test_a_thumbnail_that_was_shown_opens_nothing_for_the_next(reading, case_file):
    """What one reader was shown is a hint for the next query, never an answer."""
    _user, client, path, how = reading
    address = path.partition("/instances/")[0] + "/thumbnail"
    for _ in range(4):
        assert client.get(address).status_code == 200
    stranger = signed_in(factories.specialist(case_file.clinic).user)
    assert stranger.get(address).status_code == 404
    if how == "sealed":
        ImagingInstance.objects.update(is_picture=False)
        assert client.get(address).status_code == 404


def headers_of(response):
    """All of them; the boundary between parts is random each time."""
    return {name: re.sub(r"boundary=\w+", "", value) for name, value in response.items()}


@pytest.mark.parametrize("accept", ["application/dicom+json", "application/pdf", "*/*"])
@pytest.mark.parametrize("end", ENDS)
def test_both_ways_give_the_same_answer_to_the_last_header(reading, end, accept):
    """SECURITY: which way was taken must not be told: it says what was asked before."""
    _user, client, path, _how = reading
    path = below(path, end)
    client.get(path, headers={"accept": "*/*"})
    short = client.get(path, headers={"accept": accept})
    cache.clear()
    imaging_lane._here.clear()
    long = client.get(path, headers={"accept": accept})
    assert short.status_code == long.status_code
    assert headers_of(short) == headers_of(long)


class TestItEndsAtOnce:
    def test_by_signing_out(self, reading):
        _user, client, path, _how = reading
        stolen = client.cookies["session"].value
        client.logout()
        client.cookies["session"] = stolen
        assert client.get(path).status_code == 401

    def test_by_switching_the_person_off(self, reading):
        user, client, path, _how = reading
        user.is_active = False
        user.save()
        assert client.get(path).status_code == 401

    @pytest.mark.parametrize("end", ENDS)
    def test_by_ending_the_right(self, reading, case_file, end):
        user, client, path, how = reading
        path = below(path, end)
        assert client.get(path, headers={"accept": "*/*"}).status_code == 200
        if how in ("sealed", "full"):
            grants.revoke(case_file, to=user, by=None)
        elif how == "coordinator":
            user.memberships.update(ended_at=timezone.now())
        else:
            case_file.patient.user = None
            case_file.patient.save()
        assert client.get(path).status_code == 404

    def test_by_setting_the_study_aside(self, reading):
        _user, client, path, _how = reading
        ImagingStudy.objects.update(status="quarantined")
        assert client.get(path).status_code == 404

    def test_by_damage_to_the_pack(self, reading):
        _user, client, path, _how = reading
        ImagingPack.objects.update(quarantined_at=timezone.now())
        assert client.get(path).status_code == 404

    def test_by_withholding_the_series_from_sealed_readers_alone(self, reading):
        _user, client, path, how = reading
        ImagingSeries.objects.update(blinding_class="withheld")
        assert client.get(path).status_code == (404 if how == "sealed" else 200)

    def test_by_becoming_a_sealed_reader(self, reading, case_file):
        """The real names stop working for whoever now reads sealed."""
        user, client, path, how = reading
        if how != "coordinator":
            return
        factories.Membership.objects.create(user=user, clinic=case_file.clinic, role="specialist")
        granted(case_file, user, "sealed")
        assert client.get(path).status_code == 404

    def test_another_session_gains_nothing(self, reading):
        _user, _client, path, _how = reading
        assert signed_in(factories.UserFactory()).get(path).status_code == 404


class TestABatch:
    """Who brought a batch is asked about in one query for the next, and may lose the right."""

    @pytest.fixture(params=["patient", "coordinator"])
    def filling(self, request, case_file):
        user = case_file.patient.user
        if request.param == "coordinator":
            user = factories.coordinator(case_file.clinic)
        client = signed_in(user)
        assert stow(client, case_file, as_bytes(ct(2))).status_code == 200
        return user, client, request.param

    def test_of_the_same_series_costs_a_fixed_number_of_queries(
        self, filling, case_file, django_assert_max_num_queries
    ):
        _user, client, _how = filling
        with django_assert_max_num_queries(26):
            answer = stow(client, case_file, *(as_bytes(ct(n)) for n in range(3, 9)))
        assert answer.status_code == 200
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 8

    def test_is_refused_when_the_case_file_was_closed_meanwhile(self, filling, case_file):
        _user, client, _how = filling
        case_file.is_open_for_records = False
        case_file.save()
        assert stow(client, case_file, as_bytes(ct(3))).status_code == 409

    def test_is_refused_when_the_right_has_ended(self, filling, case_file):
        user, client, how = filling
        if how == "coordinator":
            user.memberships.update(ended_at=timezone.now())
        else:
            case_file.patient.user = None
            case_file.patient.save()
        assert stow(client, case_file, as_bytes(ct(3))).status_code == 404

    def test_of_who_reads_sealed_now_becomes_no_record(self, filling, case_file):
        user, client, how = filling
        if how != "coordinator":
            return
        factories.Membership.objects.create(user=user, clinic=case_file.clinic, role="specialist")
        granted(case_file, user, "sealed")
        stow(client, case_file, as_bytes(ct(3)))
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2
