"""Every route, every method, every kind of person. A new route fails here until it is listed."""

from __future__ import annotations

from copy import copy

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from secondop.api.viewer.bundle import bundle as viewer_bundle
from secondop.lib.routes import declared_routes
from tests.contracts.matrix import ALL_SIGNED_IN, ANYBODY, MATRIX
from tests.contracts.matrix_world import build_world
from tests.records import asking

pytestmark = pytest.mark.django_db

KINDS = ["nobody", "stranger", "patient", "proxy", "invited", "former proxy", "other patient",
         "coordinator", "coordinator of B", "former coordinator", "specialist",
         "other specialist", "author", "quality_reviewer", "administrator", "auditor",
         "without second factor", "record holder"]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


def third_party(name: str) -> bool:
    """Sign-in pages of allauth: who may use them is allauth's own, tested business."""
    return name.startswith(("account_", "mfa_", "usersessions_"))


def routes(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)
        elif isinstance(entry, URLPattern):
            yield prefix + (entry.name or "?")


def test_every_declared_route_and_method_is_in_the_matrix():
    declared = {
        (name, method)
        for name, route in declared_routes().items()
        for method in route.methods
        if not third_party(name) and not name.startswith("demo:") and name != "pages:styleguide"
    }
    assert declared == set(MATRIX)


def test_every_route_of_ours_is_declared():
    ours = {name for name in routes() if not third_party(name)}
    assert ours <= set(declared_routes())


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One clinic with a request in review, a delivered one, a request in check; another clinic."""
    with django_db_blocker.unblock():
        built = build_world()
        built.cookies = {who: signed_in(person) for who, person in built.people.items()}
        built.cookies["record holder"] = asking.at_the_door(built.asked).cookies
        yield built
        _empty_the_database()


def signed_in(person):
    client = Client()
    if person:
        client.force_login(person)
    return client.cookies


def _empty_the_database():
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        call_command("flush", verbosity=0, interactive=False)
        cursor.execute("SET session_replication_role = origin")


def imaging_arguments(w, name, who):
    """The cleared image of this world under the names the person knows it by."""
    study = w.review.case_file.imaging_studies.get()
    series, instance = study.series.get(), study.instances.get()
    if who in ("specialist", "author"):
        uids = [study.alias_uid, series.alias_uid, instance.alias_uid]
    else:
        uids = [study.StudyInstanceUID, series.SeriesInstanceUID, instance.SOPInstanceUID]
    tail = {"frames": ["1"], "frame_rendered": [1], "frame_thumbnail": [1],
            "bulk_data": ["7FE00010"]}  # fmt: skip
    short = name.partition(":")[2]
    count = {"studies": 0, "all_series": 0, "all_instances": 0, "series": 1, "study": 1,
             "one_series": 2, "instances": 2}.get(short)  # fmt: skip
    if count is None:
        count = 1 if short.startswith("study_") else 2 if short.startswith("series_") else 3
    return [w.review.case_file_id, *uids[:count], *tail.get(short, [])]


def arguments(w, name, who="patient"):
    """The row of this world that the route is about."""
    if name.startswith("dicomweb:") and name != "dicomweb:door_store":
        return imaging_arguments(w, name, who)
    referral = w.review.referrals.get()
    special = {
        "requests:report": [w.report.pk],
        "requests:report_pdf": [w.report.pk],
        "requests:report_data": [w.report.pk],
        "requests:acknowledge": [w.report.pk],
        "requests:follow_up": [w.report.pk],
        "requests:task_done": [w.task.pk],
        "requests:checklist": [w.a.pk, "core"],
        "requests:checklist_sign": [w.review.request_checklists.first().checklist_id],
        "viewer:asset": [*viewer_bundle().address.strip("/").split("/")[2:], "LICENSE"],
        "viewer:open": [w.review.case_file_id],
        "viewer:page": [w.review.case_file_id, "viewer"],
        "viewer:alive": [w.review.case_file_id],
        "holders:of_case_file": [w.asked.case_file_id],
        "holders:ask": [w.asked.holder_id],
        "holders:record_request": [w.asked.pk],
        "holders:step": [w.asked.pk],
        "holders:letter": [w.asked.pk, w.letter.pk],
        "holders:add": [w.asked.case_file_id],
        "holders:mine": [w.asked.case_file_id],
        "holders:authorization": [w.paper.pk],
        "holders:take_back": [w.paper.pk],
        "holders:first_doctor": [w.asked.case_file_id],
        "holders:first_doctor_letter": [w.first_doctor_letter.pk],
        "holders:first_doctor_step": [w.asked.case_file_id],
        "holders:duty_end": [w.duty.pk],
        "door:enter": ["0" * 52],
        "door:upload": [w.door_upload.pk],
        "records:upload_create": [w.review.case_file_id],
        "records:upload_simple": [w.review.case_file_id],
        "records:documents": [w.review.case_file_id],
        "records:upload": [w.upload.pk],
        "records:document": [w.document.pk],
        "records:page_image": [w.document.pk, 1],
        "records:download": [w.document.pk],
        "records:set_kind": [w.document.pk],
        "records:remove": [w.document.pk],
        "records:images": [w.review.case_file_id],
        "records:facts": [w.review.case_file_id],
        "records:export": [w.review.case_file_id],
        "records:export_file": [w.review.case_file_id],
        "records:images_add": [w.review.case_file_id],
        "records:images_here": [w.review.case_file_id],
        "records:images_series": [w.series.pk],
        "records:images_classify": [w.series.pk],
        "records:images_cover": [w.series.pk],
        "records:images_decide": [w.series.study_id],
        "records:images_remove": [w.series.study_id],
        "records:right_patient": [w.review.case_file_id],
        "records:identity_decide": [w.identity_check.pk],
        "records:identity_answer": [w.identity_check.pk],
        "records:peer_retire": [w.peer.pk],
        "records:fetch": [w.review.case_file_id],
        "records:send": [w.review.case_file_id],
        "records:transfer": [w.transfer.pk],
        "records:transfer_cancel": [w.transfer.pk],
        "records:transfer_retry": [w.transfer.pk],
        "records:ehr": [w.review.case_file_id],
        "records:ehr_retire": [w.ehr.pk],
        "records:ehr_pull": [w.ehr_pull.pk],
        "records:ehr_choose": [w.ehr_pull.pk],
        "records:ehr_cancel": [w.ehr_pull.pk],
        "records:ehr_again": [w.ehr_pull.pk],
        "records:specimens": [w.review.case_file_id],
        "records:specimen_step": [w.specimen.pk, "shipped"],
        "records:inlets": [w.review.case_file_id],
        "records:inlet_revoke": [w.inlet.pk],
        "records:proxies": [w.review.case_file.patient_id],
        "records:proxy_end": [w.proxy_row.pk],
        "records:proxy_accept": [w.proxy_invitation.pk],
        "records:proxy_take_back": [w.proxy_invitation.pk],
        "specialists:answer_follow_up": [w.follow_up.pk],
        "specialists:check": [w.checking.pk],
        "specialists:decide": [w.checking.pk],
        "specialists:refer": [w.review.pk],
        "specialists:resume": [w.review.pk],
        "specialists:amend": [w.delivered.pk],
        "specialists:further_opinion": [w.delivered.pk],
        "specialists:compare": [w.review.pk],
        "specialists:panel": [w.review.pk],
        "specialists:stop_looking": [w.review.pk],
        "accounts:revoke_invitation": [w.invitation.pk],
        "accounts:resend_invitation": [w.invitation.pk],
        "accounts:end_membership": [w.people["coordinator"].memberships.get().pk],
        "accounts:invitation": ["unknown-token"],
        "notifications:open": [w.notification.pk],
        "jobs:retry": ["notifications.notification", w.notification.pk],
    }
    if name in special:
        return special[name]
    try:
        reverse(name)
    except NoReverseMatch:
        return [referral.pk if name.startswith("specialists:") else w.review.pk]
    return []


def address(w, name, who):
    """Looked up once for everybody who knows the rows under the same names: they do not change."""
    key = name, who in ("specialist", "author")
    if key not in w.addresses:
        w.addresses[key] = reverse(name, args=arguments(w, name, who))
    return w.addresses[key]


def may_pass(kinds, who) -> bool:
    if kinds == ANYBODY:
        return True
    if kinds == ALL_SIGNED_IN:
        return who not in ("nobody", "record holder", "without second factor")
    return who in kinds


def ask(w, who, name, method):
    """Ask once, and undo whatever the answer changed."""
    client = Client(raise_request_exception=False)
    client.cookies = copy(w.cookies[who])
    headers = {
        "accept": "*/*, text/html" if name.startswith("dicomweb:") else "text/html",
        "tus-resumable": "1.0.0",  # without it an upload is refused before anybody is looked at
    }
    with transaction.atomic():
        response = client.generic(method, address(w, name, who), headers=headers)
        transaction.set_rollback(True)
    for close in response._resource_closers:  # not response.close(): it ends the connection too
        close()
    return response


def fault(response, kinds, who, name) -> str:
    """What is wrong with this answer to this kind of person; "" when it is right."""
    status, location = response.status_code, getattr(response, "url", "")
    if may_pass(kinds, who):
        if status in (401, 404, 405, 500, 501):
            return "should pass"
        return "should not be asked to sign in" if "/account/login" in location else ""
    if "anybody" in declared_routes()[name].who:  # open, but only with what a link brings
        return "" if status == 404 else "should be 404"
    if who in ("nobody", "record holder"):
        asked = status == 401 or (status == 302 and "/login" in location)
        return "" if asked else "should be asked to sign in"
    if who == "without second factor":
        if declared_routes()[name].without_second_factor:
            return ""
        asked = status == 302 and "second-factor" in location
        return "" if asked else "should be asked for a second factor"
    return "" if status == 404 else "should be 404"


@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
def test_access(world, db, route):
    name, method = route
    kinds = frozenset(MATRIX[route])
    answers = {who: ask(world, who, name, method) for who in KINDS}
    assert {
        who: f"{answer.status_code}, {wrong}"
        for who, answer in answers.items()
        if (wrong := fault(answer, kinds, who, name))
    } == {}


@pytest.mark.parametrize("name", sorted({name for name, _ in MATRIX}))
def test_undeclared_methods_are_refused(world, db, name):
    declared = declared_routes()[name].methods
    for method in METHODS:
        if method in declared or (method == "HEAD" and "GET" in declared):
            continue
        response = ask(world, "coordinator", name, method)
        assert response.status_code == 405, f"{method} {name} gave {response.status_code}"
