"""The way in of one file, resumable: the bytes stand in UPLOADS_DIR until all of them are here.

The row's `offset_bytes` is the truth: it grows only after those bytes were flushed to disk. Used
by the tus and the plain upload views, and by the hourly task.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Protocol

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import rules, workflow
from records.models import (
    CaseFile,
    Document,
    DocumentKind,
    ImagingPack,
    RecordRequest,
    Upload,
)
from records.models.document import IMAGING_ARCHIVE
from secondop.lib.storage import new_key
from secondop.lib.templatetags.ui import byte_size
from secondop.lib.verdicts import Refused

BLOCK_BYTES = 1024**2
CHECKPOINT_BYTES = 32 * 1024**2  # at most this much is sent again after a crash of the server
KEEP_UNFINISHED = timedelta(days=7)
MIN_FREE_BYTES = 1024**3  # the database needs room on a small machine too
BUSY = gettext_lazy("This file is already being sent, perhaps in another window.")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class WrongOffset(Exception):
    """The client stands elsewhere than we do; `offset` is the true place."""

    def __init__(self, offset: int) -> None:
        super().__init__("wrong offset")
        self.offset = offset


class ChecksumMismatch(Exception):
    """The bytes changed on the way; none of them were kept."""


@dataclass(frozen=True)
class Checksum:
    algorithm: str
    digest: bytes


def begin(
    case_file: CaseFile,
    *,
    by: Any,
    file_name: str,
    size_bytes: int,
    kind: str = "other",
    sent_sha256: str = "",
    record_request: RecordRequest | None = None,
) -> Upload:
    """Announce a file. Raises Refused (with a sentence for the person) when it cannot be taken.

    With `record_request` it comes through a record holder's door: `by` is nobody, and
    `records.door` has asked whether it may.
    """
    if record_request is None:
        rules.may_add_records(by, case_file).or_raise()
    # A ZIP is known by its content; one that no document may be as large as, by its name: what is
    # none after all is refused when it is opened.
    is_large_zip = size_bytes > settings.MAX_DOCUMENT_BYTES and file_name.lower().endswith(".zip")
    is_archive = kind == IMAGING_ARCHIVE or is_large_zip
    most = settings.MAX_ARCHIVE_BYTES if is_archive else settings.MAX_DOCUMENT_BYTES
    _refuse_size(case_file, size_bytes, most)
    return Upload.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        by=by,
        record_request=record_request,
        file_name=clean_name(file_name),
        kind=IMAGING_ARCHIVE
        if is_archive
        else kind
        if kind in DocumentKind.values
        else DocumentKind.OTHER,
        size_bytes=size_bytes,
        key=new_key("archives" if is_archive else "documents"),
        sent_sha256=sent_sha256,
        expires_at=timezone.now() + KEEP_UNFINISHED,
    )


def _refuse_size(case_file: CaseFile, size_bytes: int, most: int) -> None:
    if size_bytes == 0:
        raise Refused(
            _("This file is empty. Open it on your device, save it again and send that."), 400
        )
    if size_bytes > most:
        text = _(
            "This file is larger than %(limit)s, the most we can take at once. Send it in parts, "
            "or ask us how to send a large file."
        )
        raise Refused(text % {"limit": byte_size(most)}, 413)
    if held_bytes(case_file) + size_bytes > settings.MAX_CASE_FILE_BYTES:
        text = _("There is no room for this file in your case file. Remove one first, or ask us.")
        raise Refused(text, 413)
    folder = settings.UPLOADS_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free - size_bytes < MIN_FREE_BYTES:
        raise Refused(
            _("We have no room for this file just now. Please try again later today."), 507
        )


def held_bytes(case_file: CaseFile) -> int:
    """What the case file holds, papers and images, and has been promised."""
    kept = Document.objects.filter(case_file=case_file).exclude(status="removed")
    coming = Upload.objects.filter(case_file=case_file, finished_at=None)
    packed = ImagingPack.objects.filter(case_file=case_file)
    each = [
        rows.order_by().values("case_file").values_list(Sum("size_bytes"))
        for rows in (kept, coming, packed)
    ]
    sizes = each[0].union(*each[1:], all=True)
    return sum(int(size) for (size,) in sizes)


def clean_name(name: str) -> str:
    """A file name as plain data: no folders, no control or direction marks, 255 characters.

    SECURITY: a right-to-left mark makes `gpj.exe` read `exe.jpg`. No path is ever built from it.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip()
    stem, dot, ending = name.rpartition(".")
    if len(name) > 255:
        name = f"{stem[:240]}.{ending[:14]}" if dot else name[:255]
    return name or _("file")


def part_of(upload: Upload) -> Path:
    """Where the bytes received so far stand."""
    return Path(settings.UPLOADS_DIR) / upload.key


@contextmanager
def sole_writer(upload: Upload) -> Iterator[IO[bytes]]:
    """Open the part for writing, alone. Raises Refused (423) when somebody else writes to it."""
    part = part_of(upload)
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(BUSY, 423) from None
        upload.refresh_from_db()
        if upload.finished_at:
            part.unlink(missing_ok=True)
        elif os.fstat(descriptor).st_size < upload.offset_bytes and not _is_stored(upload):
            upload.delete()  # the disk lost it; zeros must never stand in for what was sent
            part.unlink(missing_ok=True)
            raise Refused(_("What was sent so far is lost. Please send the file again."), 410)
        yield file


def append(
    upload: Upload, body: Readable, *, offset: int, length: int, checksum: Checksum | None = None
) -> None:
    """Write up to `length` bytes of `body` at `offset`, flush them, and finish when it is whole.

    What arrived before a cut is kept, except under a checksum, which covers all or nothing.
    Raises: WrongOffset, ChecksumMismatch, Refused. Call it outside any transaction.
    """
    with sole_writer(upload) as file:
        if offset != upload.offset_bytes:
            raise WrongOffset(upload.offset_bytes)
        if offset + length > upload.size_bytes:
            raise Refused(_("More was sent than was announced."), 400)
        if not upload.finished_at:
            file.truncate(offset)
            file.seek(offset)
            _copy(body, file, upload, length, checksum)
        finish(upload)


def _copy(
    body: Readable, file: IO[bytes], upload: Upload, length: int, checksum: Checksum | None
) -> None:
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    received = flushed = 0
    try:
        while received < length and (block := body.read(min(BLOCK_BYTES, length - received))):
            file.write(block)
            received += len(block)
            if digest:
                digest.update(block)
            elif received - flushed >= CHECKPOINT_BYTES:
                _save_offset(upload, file, received - flushed)
                flushed = received
    finally:  # the line was cut: what came is kept
        if not digest:
            _save_offset(upload, file, received - flushed)
    if digest and checksum:
        if received < length or digest.digest() != checksum.digest:
            file.truncate(upload.offset_bytes)
            raise ChecksumMismatch
        _save_offset(upload, file, received)


def _save_offset(upload: Upload, file: IO[bytes], more: int) -> None:
    """Flush first, then promise: the client may forget what we say we have."""
    if not more:
        return
    os.fsync(file.fileno())
    upload.expires_at = timezone.now() + KEEP_UNFINISHED
    Upload.objects.filter(pk=upload.pk).update(
        offset_bytes=F("offset_bytes") + more, expires_at=upload.expires_at
    )
    upload.offset_bytes += more


def finish(upload: Upload) -> None:
    """Put a whole upload into storage and into the case file. Does nothing when it is not whole.

    Safe to repeat after a crash at any line: the storage key was chosen when the upload began.
    """
    if upload.finished_at or upload.offset_bytes != upload.size_bytes:
        return
    part = part_of(upload)
    if not _is_stored(upload):
        _store(part, upload.key)
    workflow.receive(upload)
    part.unlink(missing_ok=True)
    upload.refresh_from_db()


def resume(upload: Upload) -> None:
    """Finish what a crash left whole but unfinished, before its offset is told to anybody."""
    if not upload.finished_at and upload.offset_bytes == upload.size_bytes:
        with sole_writer(upload):
            finish(upload)


def _is_stored(upload: Upload) -> bool:
    return default_storage.exists(upload.key) and (
        default_storage.size(upload.key) == upload.size_bytes
    )


def _store(part: Path, key: str) -> None:
    """Rename within one disk; copy to another disk or stream to an object store."""
    try:
        target = Path(default_storage.path(key))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.replace(target)
        _flush_folder(target.parent)
    except (NotImplementedError, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno != errno.EXDEV:
            raise
        default_storage.delete(key)  # what an earlier, interrupted copy left
        with part.open("rb") as whole:
            default_storage.save(key, File(whole))


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cancel(upload: Upload) -> None:
    """Forget an unfinished upload and its bytes; a finished one is a document, not an upload."""
    with sole_writer(upload):
        if not upload.finished_at:
            part_of(upload).unlink(missing_ok=True)
            default_storage.delete(upload.key)  # stored, but not let in
            upload.delete()


def tidy() -> None:
    """Hourly: finish what is whole, forget what nobody went on with, drop rows that are done."""
    now = timezone.now()
    unfinished = Upload.objects.filter(finished_at=None)
    for upload in unfinished.filter(offset_bytes=F("size_bytes")).iterator():
        with suppress(Refused):  # somebody is at it
            resume(upload)
    for upload in unfinished.filter(expires_at__lt=now).iterator():
        with suppress(Refused):
            cancel(upload)
    Upload.objects.filter(finished_at__lt=now - timedelta(days=1)).delete()
