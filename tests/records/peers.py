"""Real archives for the tests of transfers: Debian's Orthanc, with DICOMweb and DIMSE."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from records.models import Peer
from tests import factories


def dcmtk(name: str) -> str:
    """The path of dcmtk's program: pynetdicom installs programs of the same names."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    assert found, "Install dcmtk."
    return found


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Archive:
    http: str
    dicom_port: int

    def put(self, *files: bytes) -> None:
        with requests.Session() as session:
            for file in files:
                session.post(f"{self.http}/instances", data=file, timeout=20).raise_for_status()

    def count(self) -> int:
        told = requests.get(f"{self.http}/statistics", timeout=20).json()
        return int(told["CountInstances"])

    def forget(self, uid: str) -> None:
        """The study or object with this UID is gone."""
        with requests.Session() as session:
            found = session.post(f"{self.http}/tools/lookup", data=uid, timeout=20).json()
            for one in found:
                session.delete(self.http + one["Path"], timeout=20).raise_for_status()

    def peer(self, clinic: Any, kind: str = "dicomweb", **more: Any) -> Peer:
        told: dict[str, Any] = {"uses_tls": False, "is_inside": True, "title": f"Orthanc {kind}"}
        if kind == "dicomweb":
            told["address"] = f"{self.http}/dicom-web"
        else:
            told |= {"address": "127.0.0.1", "port": self.dicom_port, "their_ae": "ORTHANC"}
        return Peer.objects.create(
            clinic=clinic, kind=kind, added_by=factories.administrator(clinic), **told | more
        )


@contextmanager
def orthanc(*, our_port: int = 1, dcmtk_port: int = 1) -> Iterator[Archive]:
    """The ports: where it finds SECONDOP (our receiver) and DCMTK when told to C-MOVE there."""
    assert shutil.which("Orthanc"), "Install orthanc and orthanc-dicomweb."
    http, dicom = a_free_port(), a_free_port()
    with TemporaryDirectory(prefix="orthanc-") as folder:
        config = {
            "Name": "peer", "StorageDirectory": f"{folder}/db", "IndexDirectory": f"{folder}/db",
            "HttpPort": http, "DicomServerEnabled": True, "DicomPort": dicom,
            "DicomAet": "ORTHANC", "AuthenticationEnabled": False, "RemoteAccessAllowed": False,
            "DicomCheckCalledAet": True, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowMove": True, "DicomAlwaysAllowStore": True,
            "DicomModalities": {"ours": ["SECONDOP", "127.0.0.1", our_port],
                                "dcmtk": ["DCMTK", "127.0.0.1", dcmtk_port]},
            "Plugins": ["/usr/share/orthanc/plugins"],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        path = Path(folder) / "orthanc.json"
        path.write_text(json.dumps(config))
        process = subprocess.Popen(
            ["Orthanc", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            archive = Archive(f"http://127.0.0.1:{http}", dicom)
            for _ in range(200):
                try:
                    requests.get(f"{archive.http}/system", timeout=1).raise_for_status()
                    socket.create_connection(("127.0.0.1", dicom), timeout=1).close()
                    break
                except OSError:  # of requests, too; its DICOM port opens last
                    time.sleep(0.1)
            yield archive
        finally:
            process.terminate()
            process.wait()
