"""`manage.py dicom_receiver`: take images that a peer sends us because we asked it (C-MOVE)."""

from __future__ import annotations

import signal
import tempfile
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from records.transfers.receiver import Receiver


class Command(BaseCommand):
    help = "Receive DICOM objects that a running transfer waits for. Stop it with SIGTERM."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--ae", default=settings.DICOM_AE)
        parser.add_argument("--host", default=settings.DICOM_HOST)
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT)

    def handle(self, **options: Any) -> None:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        with tempfile.TemporaryDirectory(prefix="dicom-") as folder:
            tempfile.tempdir = folder  # where half an object lies while it comes
            receiver = Receiver(our_ae=options["ae"], host=options["host"], port=options["port"])
            receiver.start()
            self.stdout.write(f"DICOM receiver {options['ae']} listens on {options['port']}.")
            ended.wait()
            receiver.stop()
