"""A fresh Orthanc with its DICOMweb plugin, as packaged by Debian, for comparison."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

PLUGINS = "/usr/share/orthanc/plugins"


_running: list[int] = []


def cpu_seconds() -> float:
    """What it used so far, by all of its threads."""
    told = Path(f"/proc/{_running[-1]}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def is_installed() -> bool:
    return shutil.which("Orthanc") is not None


@contextmanager
def running(port: int = 18042) -> Iterator[str]:
    """Yield its root; every file is flushed to disk, which is its default."""
    with TemporaryDirectory(prefix="orthanc-") as folder:
        config = {
            "Name": "bench", "StorageDirectory": f"{folder}/db", "IndexDirectory": f"{folder}/db",
            "HttpPort": port, "DicomServerEnabled": False, "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False, "SyncStorageArea": True, "StorageCompression": False,
            "Plugins": [PLUGINS], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        path = Path(folder) / "orthanc.json"
        path.write_text(json.dumps(config))
        process = subprocess.Popen(
            ["Orthanc", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _running.append(process.pid)
        root = f"http://127.0.0.1:{port}"
        try:
            for _ in range(200):
                try:
                    requests.get(f"{root}/system", timeout=1).raise_for_status()
                    break
                except requests.RequestException:
                    time.sleep(0.1)
            yield root
        finally:
            process.terminate()
            process.wait()
