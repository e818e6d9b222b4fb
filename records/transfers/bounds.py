"""What one DIMSE connection may make us hold: bounds on PDUs, commands and objects.

SECURITY: pynetdicom believes the length a peer announces and keeps commands in memory without
end (its issue 1086). Objects go to a file whose name says nothing; here it is seen that it goes.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from threading import Thread
from typing import Any

from pynetdicom import _config, evt

MAX_PDU_BYTES = 128 * 1024  # what we announce; four times as much is still read
MAX_COMMAND_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 4 * 1024**2  # one answer to a search
MAX_OBJECT_BYTES = 4 * 1024**3

_config.STORE_RECV_CHUNKED_DATASET = True
_config.STORE_SEND_CHUNKED_DATASET = True
# PRIVACY: it would write the names of patients into the log.
_config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


class Bounds:
    """Watches one association at a time; the handlers are bound to it."""

    def __init__(self, *, object_bytes: int) -> None:
        self.object_bytes = object_bytes
        self.is_broken = False

    def handlers(self) -> list[Any]:
        return [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_PDU_RECV, self._received),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]

    @staticmethod
    def _opened(event: evt.Event) -> None:
        connection: Any = event.assoc.dul.socket
        # An answer waits for nothing: 40 ms an object, where the peer delays its acknowledgements.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def recv(count: int) -> bytearray:
            """As theirs, but bounded, and into one piece of memory instead of 4 KB at a time."""
            if count > 4 * MAX_PDU_BYTES:
                raise OSError("PDU too long")
            found, at = bytearray(count), 0
            with memoryview(found) as view:
                while at < count and (read := connection.socket.recv_into(view[at:])):
                    at += read
            return found[:at]

        connection.recv = recv
        link: Any = event.assoc
        link.so_held = [0, 0]  # bytes of the present message: command, data

    def _received(self, event: evt.Event) -> None:
        link: Any = event.assoc
        for item in getattr(event.pdu, "presentation_data_value_items", []):
            value = item.presentation_data_value or b"\0"
            is_command, is_last = value[0] & 1, value[0] & 2
            held = link.so_held
            held[0 if is_command else 1] += len(value)
            if held[0] > MAX_COMMAND_BYTES or held[1] > self.object_bytes:
                self.is_broken = True
                Thread(target=event.assoc.abort, daemon=True).start()
            if is_last:
                held[0 if is_command else 1] = 0

    @staticmethod
    def _closed(event: evt.Event) -> None:
        """An object that was cut off leaves nothing on the disk."""
        message = event.assoc.dimse.message
        if file := getattr(message, "_data_set_file", None):
            file.close()
        if path := getattr(message, "_data_set_path", None):
            with suppress(OSError):
                path.unlink()
