"""The short way to what a viewer asks for often: one query asks again all that decides over it.

A viewer asks for hundreds of frames at once, and for metadata before them. The long way (session,
person, roles, sight, row) is some twenty queries. Who went it is remembered for a minute, by
session and case file, and nothing but *why* they may read is remembered: in this process, else in
the cache. The query is prepared once for each connection: planning it takes longer than running it.

SECURITY: whether they still may is asked of the database each time: the session, the person, the
grant or role, the sight, the study, the clearing. Whatever has changed finds no row, and the
request goes the long way, to its exact answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.utils.crypto import salted_hmac
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus

from records.dicom.values import RLE
from records.imaging import View
from records.models import AccessGrant, CaseFile

REMEMBERED_SECONDS = 60
GRANT, PATIENT, COORDINATOR = "grant", "patient", "coordinator"

_LIVE_GRANT = """EXISTS (SELECT 1 FROM records_accessgrant g
    WHERE g.case_file_id = i.case_file_id AND g.to_id = $2::uuid AND g.sight = $4::text
      AND g.revoked_at IS NULL AND g.until > now()
      AND EXISTS (SELECT 1 FROM accounts_membership m WHERE m.user_id = g.to_id
                  AND m.clinic_id = g.clinic_id AND m.role = g.as_role AND m.ended_at IS NULL))"""
_NOT_SEALED = """NOT EXISTS (SELECT 1 FROM records_accessgrant g
    WHERE g.case_file_id = i.case_file_id AND g.to_id = $2::uuid AND g.sight = 'sealed'
      AND g.revoked_at IS NULL AND g.until > now())"""
_WHY = {
    GRANT: _LIVE_GRANT,
    PATIENT: """EXISTS (SELECT 1 FROM records_casefile c JOIN records_patient p
        ON p.id = c.patient_id WHERE c.id = i.case_file_id AND p.user_id = $2::uuid)""",
    COORDINATOR: """EXISTS (SELECT 1 FROM accounts_membership m WHERE m.user_id = $2::uuid
        AND m.clinic_id = i.clinic_id AND m.role = 'coordinator' AND m.ended_at IS NULL)""",
}
# $1 session, $2 user, $3 case file, $4 sight; in _FIND also $5 number, $6 statuses, $7-9 names
_FIND = """
SELECT i.id, p.key, i."TransferSyntaxUID",
       CASE WHEN cardinality(i.frame_offsets) = 1
            THEN i.frame_offsets[1] + ($5::int - 1) * i.frame_lengths[1]
            ELSE i.frame_offsets[$5::int] END,
       CASE WHEN cardinality(i.frame_lengths) = 1
            THEN i.frame_lengths[1] ELSE i.frame_lengths[$5::int] END
FROM records_imaginginstance i
JOIN records_imagingseries se ON se.id = i.series_id
JOIN records_imagingstudy st ON st.id = i.study_id
JOIN records_imagingpack p ON p.id = i.pack_id
WHERE i.case_file_id = $3::uuid AND {uids}
  AND $5::int BETWEEN 1 AND i.frame_count
  AND p.quarantined_at IS NULL AND st.status = ANY($6::text[]) AND {sight}
  AND {may}
"""
_MAY = """EXISTS (SELECT 1 FROM django_session s
              WHERE s.session_key = $1::text AND s.expire_date > now())
  AND EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = $2::uuid AND u.is_active)
  AND {why}"""
_OPEN = """SELECT i.alias, i.alias_key, i.clinic_id, i.patient_id, i.created_at,
    i.is_open_for_records
FROM (SELECT id AS case_file_id, * FROM records_casefile) i
WHERE i.case_file_id = $3::uuid AND {may}"""
# The picture of the instance in the middle of a series, as `thumbnails.representative` finds it.
_PICTURE = """
SELECT pic.id, pic.key, pic.size_bytes, i.revision
FROM records_imagingseries i
JOIN records_imagingstudy st ON st.id = i.study_id
CROSS JOIN LATERAL (SELECT (count(*) / 2)::int AS middle {of_series}) half
CROSS JOIN LATERAL (SELECT x.id, x.frame_count {of_series}
                    ORDER BY x."InstanceNumber", x.id OFFSET half.middle LIMIT 1) one
JOIN records_imagingpicture pic ON pic.instance_id = one.id AND pic.edge = $5::int
  AND pic.frame = (one.frame_count + 1) / 2 AND pic.key <> ''
WHERE i.case_file_id = $3::uuid AND {uids}
  AND st.status = ANY($6::text[]) AND {sight}
  AND {may}
"""
_OF_SERIES = """FROM records_imaginginstance x JOIN records_imagingpack p ON p.id = x.pack_id
  WHERE x.series_id = i.id AND x.frame_count > 0 AND p.quarantined_at IS NULL"""
# The same one again, while no batch has come to its series: nothing is counted.
_PICTURE_AGAIN = """
SELECT pic.id, pic.key, pic.size_bytes, i.revision
FROM records_imagingpicture pic
JOIN records_imaginginstance x ON x.id = pic.instance_id
JOIN records_imagingpack p ON p.id = x.pack_id
JOIN records_imagingseries i ON i.id = x.series_id
JOIN records_imagingstudy st ON st.id = i.study_id
WHERE pic.id = $9::uuid AND i.revision = $10::int AND pic.edge = $5::int AND pic.key <> ''
  AND i.case_file_id = $3::uuid AND {uids} AND p.quarantined_at IS NULL
  AND st.status = ANY($6::text[]) AND {sight}
  AND {may}
"""
_REAL = """i."SOPInstanceUID" = $7::text AND se."SeriesInstanceUID" = $8::text
  AND st."StudyInstanceUID" = $9::text"""
_ALIAS = """i.alias_uid = $7::text AND se.alias_uid = $8::text
  AND st.alias_uid = $9::text"""
_CLEARED = "se.blinding_class = 'clear' AND i.is_picture"
_ANYHOW = "TRUE"
_FIND_TYPES = "(text, uuid, uuid, text, int, text[], text, text, text)"
_OPEN_TYPES = "(text, uuid, uuid, text)"
_PICTURE_TYPES = "(text, uuid, uuid, text, int, text[], text, text)"
_AGAIN_TYPES = "(text, uuid, uuid, text, int, text[], text, text, uuid, int)"


@dataclass(frozen=True)
class Reason:
    """Why somebody may read: to be asked again each time."""

    user: str
    sight: str
    why: str

    @property
    def is_sealed(self) -> bool:
        return self.sight == AccessGrant.Sight.SEALED


@dataclass(frozen=True)
class Found:
    instance: Any
    key: str
    transfer_syntax: str
    offset: int
    length: int
    is_sealed: bool


@dataclass(frozen=True)
class FoundPicture:
    picture: Any
    key: str
    size_bytes: int


def _place(session: str, case_file: Any) -> str:
    """PRIVACY: a session's key is not written into the cache, where it could be used."""
    return "imaging-lane:" + salted_hmac("imaging.lane", f"{session}:{case_file}").hexdigest()


def remember(view: View, session: str | None) -> None:
    """After the long way was gone: keep why, for a minute. Other reasons go the long way."""
    if not session or settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return
    reason = Reason(str(view.user.pk), view.sight, _why(view))
    if reason.why:
        cache.set(_place(session, view.case_file.pk), asdict(reason), REMEMBERED_SECONDS)


def _why(view: View) -> str:
    if not view.fills:
        return GRANT
    if view.case_file.patient.user_id == view.user.pk:
        return PATIENT
    own = CaseFile.objects.visible_as("coordinator", view.user).filter(pk=view.case_file.pk)
    return COORDINATOR if own.exists() else ""


def find(session: str, case_file: Any, names: dict[str, str], number: int) -> Found | None:
    """The stored frame when this session may read it still; None sends it the long way."""
    reason = _remembered(session, case_file)
    if not reason:
        return None
    values = [
        session, reason.user, str(case_file), reason.sight, number, _statuses(reason),
        names["instance"], names["series"], names["study"],
    ]  # fmt: skip
    row = _ask(
        f"lane_frame_{reason.why}_{reason.sight}", _FIND_TYPES, lambda: _find(reason), values
    )
    if not row or (reason.is_sealed and row[2] == RLE):
        return None  # to wipe RLE its size must be known, which the long way asks
    instance, key, syntax, offset, length = row
    return Found(instance, key, syntax, offset, length, reason.is_sealed)


def find_picture(
    session: str, case_file: Any, study: str, series: str, edge: int
) -> FoundPicture | None:
    """The stored thumbnail of a series when this session may see it still."""
    reason = _remembered(session, case_file)
    if not reason:
        return None
    values = [session, reason.user, str(case_file), reason.sight, edge, _statuses(reason), series,
              study]  # fmt: skip
    name, place, row = f"{reason.why}_{reason.sight}", (str(case_file), study, series, edge), None
    if before := _shown.get((reason.is_sealed, *place)):
        again = f"lane_again_{name}"
        row = _ask(again, _AGAIN_TYPES, lambda: _find_again(reason), [*values, *before])
    row = row or _ask(f"lane_picture_{name}", _PICTURE_TYPES, lambda: _find_picture(reason), values)
    if not row:
        return None
    if len(_shown) >= MAX_HERE:
        _shown.clear()
    _shown[reason.is_sealed, *place] = row[0], row[3]
    return FoundPicture(*row[:3])


def _find_again(reason: Reason) -> str:
    uids, sight = _of_series(reason)
    sight = f"{sight} AND x.is_picture" if reason.is_sealed else sight
    return _PICTURE_AGAIN.format(uids=uids, sight=sight, may=_may(reason))


def _find_picture(reason: Reason) -> str:
    uids, sight = _of_series(reason)
    of_series = f"{_OF_SERIES} AND x.is_picture" if reason.is_sealed else _OF_SERIES
    return _PICTURE.format(uids=uids, sight=sight, of_series=of_series, may=_may(reason))


def _of_series(reason: Reason) -> tuple[str, str]:
    if reason.is_sealed:
        names = "i.alias_uid = $7::text AND st.alias_uid = $8::text"
        return names, "i.blinding_class = 'clear' AND i.has_pictures"
    return 'i."SeriesInstanceUID" = $7::text AND st."StudyInstanceUID" = $8::text', _ANYHOW


def _statuses(reason: Reason) -> list[str]:
    """What is held goes the short way for the clinic alone; others are asked why it is held."""
    return ["available", "held"] if reason.why == COORDINATOR else ["available"]


def _find(reason: Reason) -> str:
    return _FIND.format(
        uids=_ALIAS if reason.is_sealed else _REAL,
        sight=_CLEARED if reason.is_sealed else _ANYHOW,
        may=_may(reason),
    )


_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # names by connection


def _ask(name: str, types: str, query: Callable[[], str], values: list[Any]) -> Any:
    """The one row of a prepared query. None when there is none, or no connection to ask.

    Past the cursors of Django and psycopg: they take longer than the answer.
    """
    try:
        connection.ensure_connection()
        driver: Any = connection.connection
        names = _prepared.setdefault(driver, set())
        if name not in names:
            with connection.cursor() as cursor:
                cursor.execute(f"PREPARE {name} {types} AS {query()}")
            names.add(name)
    except (OperationalError, InterfaceError):
        connection.close()
        return None
    told = driver.pgconn.exec_prepared(name.encode(), list(map(_text, values)))
    if told.status == ExecStatus.TUPLES_OK:
        found = Transformer(driver)
        found.set_pgresult(told)
        return found.load_row(0, tuple) if told.ntuples else None
    if driver.pgconn.status != ConnStatus.OK:  # a dead one: the long way opens another
        connection.close()
        return None
    if connection.in_atomic_block:
        raise ProgrammingError(name)
    _prepared.pop(driver, None)  # a pooler gave us a connection that did not hear of it
    return None


def _text(value: Any) -> bytes:
    """As PostgreSQL reads it; names of statuses need no quotes."""
    return (f"{{{','.join(value)}}}" if isinstance(value, list) else str(value)).encode()


def view(session: str, case_file: Any) -> View | None:
    """The view of who went the long way a moment ago, when all of it still holds."""
    reason = _remembered(session, case_file)
    if not reason:
        return None
    values = [session, reason.user, str(case_file), reason.sight]
    name = f"lane_view_{reason.why}_{reason.sight}"
    row = _ask(name, _OPEN_TYPES, lambda: _OPEN.format(may=_may(reason)), values)
    if not row:
        return None
    alias, alias_key, clinic, patient, created_at, is_open = row
    opened = CaseFile(
        pk=case_file, alias=alias, alias_key=alias_key, clinic_id=clinic, patient_id=patient,
        created_at=created_at, is_open_for_records=is_open,
    )  # fmt: skip
    opened._state.adding = False
    person = get_user_model()(pk=reason.user)
    is_staff = reason.why == COORDINATOR
    return View(opened, person, reason.sight, fills=reason.why != GRANT, is_staff=is_staff)


_here: dict[tuple[str, str], tuple[float, Reason]] = {}  # until when, and why
_shown: dict[tuple[Any, ...], tuple[Any, int]] = {}  # of a series the picture, and its revision
MAX_HERE = 1_000


def _remembered(session: str, case_file: Any) -> Reason | None:
    """A hint only: what it says is asked of the database each time."""
    place = session, str(case_file)
    until, reason = _here.get(place, (0.0, None))
    if reason and time.monotonic() < until:
        return reason
    told = cache.get(_place(session, case_file))
    if not told:
        _here.pop(place, None)
        return None
    if len(_here) >= MAX_HERE:
        _here.clear()
    _here[place] = (time.monotonic() + REMEMBERED_SECONDS, Reason(**told))
    return _here[place][1]


def _may(reason: Reason) -> str:
    may = _MAY.format(why=_WHY[reason.why])
    return may if reason.is_sealed else f"{may} AND {_NOT_SEALED}"
