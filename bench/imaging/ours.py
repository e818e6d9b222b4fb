"""Our server for the comparison: our server alone, and again behind nginx that sends the ranges."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
PORT, BEHIND, PROXY = 18043, 18044, 18045
PERL = Path("/usr/lib/nginx/modules/ngx_http_perl_module.so")
CONF = """
daemon off; {user} worker_processes 2; pid {folder}/pid; load_module {perl};
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    perl_modules {root}/deploy/nginx; perl_require Ranges.pm;
    upstream web {{ server 127.0.0.1:{behind}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{proxy};
        keepalive_requests 100000;
        location / {{
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
        }}
        include {folder}/ranges.conf;
    }}
}}
"""


class Ours:
    """A case file and a signed-in session on our server."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes
        self.has_proxy = len(processes) > 1
        self.fresh()

    def fresh(self) -> None:
        from tests.records.dicom.samples import a_case_file
        from tests.secondop.api.dicomweb_files import signed_in

        self.case_file = a_case_file()
        # The person of `make_study.py`: a stranger's study would be held.
        patient = self.case_file.patient
        patient.full_name, patient.born_on = "Casey Greaves", date(1961, 2, 3)
        patient.save()
        self.cookie = {"session": signed_in(self.case_file.patient.user).cookies["session"].value}

    def base(self, port: int = PORT) -> str:
        return f"http://127.0.0.1:{port}/case-files/{self.case_file.pk}/dicom-web"

    def session(self) -> requests.Session:
        session = requests.Session()
        session.cookies.update(self.cookie)
        return session

    def memory(self, field: str = "VmHWM") -> list[int]:
        """Resident MB of each web worker of our server alone: now (VmRSS) or ever (VmHWM)."""
        pid = self.processes[0].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = [Path(f"/proc/{child}/status").read_text() for child in children]
        return [int(text.split(f"{field}:")[1].split()[0]) // 1024 for text in lines]


@contextmanager
def running() -> Iterator[Ours]:
    with ExitStack() as stack:
        processes = [stack.enter_context(_web(PORT, {}))]
        if PERL.exists():
            processes.append(
                stack.enter_context(_web(BEHIND, {"ACCEL_RANGES_PREFIX": "/_ranges/"}))
            )
            stack.enter_context(_nginx())
        yield Ours(processes)


@contextmanager
def _web(port: int, more: dict[str, str]) -> Iterator[Any]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "ERROR", "MALLOC_ARENA_MAX": "2",
    } | more  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "secondop.serve", "--port", str(port), "--threads", "4"],
        env=environment,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/livez")
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _nginx() -> Iterator[None]:
    from django.conf import settings

    with TemporaryDirectory(prefix="bench-nginx-") as folder:
        Path(folder).chmod(0o755)
        ranges = (ROOT / "deploy/nginx/ranges.conf").read_text()
        ranges = ranges.replace("/srv/state/files", str(settings.FILES_DIR))
        (Path(folder) / "ranges.conf").write_text(ranges)
        user = "user root;" if os.geteuid() == 0 else ""
        conf = CONF.format(
            folder=folder, perl=PERL, root=ROOT, behind=BEHIND, proxy=PROXY, user=user
        )
        (Path(folder) / "nginx.conf").write_text(conf)
        process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr"])
        try:
            _wait(f"http://127.0.0.1:{PROXY}/livez")
            yield
        finally:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url, timeout=2)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise TimeoutError(url)
