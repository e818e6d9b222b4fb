"""The queue page of a clinic with 10^3, 10^5 and 10^6 requests: `python -m bench.queue`.

Each size has a database and a process of its own; the rounds of the three alternate, so that
whatever else the machine does meets all of them alike. Run it inside `deploy.local test`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS, PER_ROUND = 5, 25
MOST_RATIO = 1.5

FILL = """
INSERT INTO records_patient (id, clinic_id, full_name, born_on, sex, phone, address, country)
SELECT md5('p' || n)::uuid, %(clinic)s, initcap(substr(md5('a' || n), 1, 6)) || ' ' || initcap(substr(md5('b' || n), 1, 9)),
       date '1940-01-01' + (n %% 25000), 'female', '', '', 'US' FROM generate_series(1, %(size)s) n;
INSERT INTO records_casefile (id, clinic_id, patient_id, alias, alias_key, is_open_for_records)
SELECT md5('c' || n)::uuid, %(clinic)s, md5('p' || n)::uuid, 'CF-' || n, md5('k' || n), true FROM generate_series(1, %(size)s) n;
INSERT INTO requests_app_opinionrequest (id, clinic_id, case_file_id, reference, status, started_by_id,
    version, purposes, review_mode, urgency, ball_with, due_at, truth_name, submitted_at, status_since)
SELECT md5('r' || n)::uuid, %(clinic)s, md5('c' || n)::uuid, 'SO-' || n,
       CASE WHEN n <= %(open)s THEN (array['submitted','needs_patient','collecting','ready','referred','in_review','quality_check','delivered'])[1 + n %% 8]
            ELSE (array['closed','returned','withdrawn','expired'])[1 + n %% 4] END,
       %(user)s, 1, array['options'], (array['sealed','open'])[1 + n %% 2], 'routine',
       CASE WHEN n <= %(open)s THEN 'coordinator' ELSE 'nobody' END,
       now() + (n %% 1000 - 300) * interval '1 hour', '', now() - (n %% 900) * interval '1 day', now()
FROM generate_series(1, %(size)s) n;
INSERT INTO requests_app_message (id, clinic_id, opinion_request_id, thread, author_id, from_clinic, text)
SELECT gen_random_uuid(), %(clinic)s, md5('r' || n)::uuid, 'patient', %(user)s, false, 'Hello'
FROM generate_series(1, %(size)s, 3) n;
"""  # noqa: E501


def open_of(size: int) -> int:
    """An older clinic is a larger one too: open requests grow from 200 to 20,000."""
    return max(200, size // 50)


def serve(size: int) -> None:
    """The child: fill the database, then answer each line on standard input with one round."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    client, clinic, user = _signed_in()
    began = time.perf_counter()
    values = {"clinic": clinic.pk, "user": user.pk, "size": size, "open": open_of(size)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica"
        )  # foreign keys hold by construction
        again = _without_indexes(cursor)
        cursor.execute(FILL, values)
        for definition in again:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
    from requests_app import queue
    from secondop.lib.keyset import keyset_page

    rows = queue.listed(user, queue.Filters(clinic_id=clinic.pk))
    middle = ""
    for _ in range(3):
        middle = keyset_page(
            rows, order=queue.ORDER, cursor=middle, size=queue.PAGE_SIZE
        ).next_cursor
    first, later = "/clinic/queue/", f"/clinic/queue/?at={middle}"
    urls = {"first": first, "later": later, "status": "/clinic/queue/?status=ready"}
    for url in urls.values():
        assert client.get(url).content.count(b"data-key-item") == (
            queue.PAGE_SIZE if "ready" not in url else min(queue.PAGE_SIZE, open_of(size) // 8)
        )
    queries = {}
    for name, url in urls.items():
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        queries[name] = len(captured)
    print(json.dumps({"queries": queries, "seconds": time.perf_counter() - began}), flush=True)
    for line in sys.stdin:
        if line.strip() == "search":
            print(json.dumps({"ms": _search_times(queue, user, clinic)}), flush=True)
        else:
            print(json.dumps({"ms": _times(client, urls[line.strip()])}), flush=True)


def _without_indexes(cursor: Any) -> list[str]:
    """Drop what only slows filling down; return the statements that bring it back."""
    cursor.execute("SET maintenance_work_mem = '256MB'")
    cursor.execute(
        """
        SELECT i.indexname, i.indexdef FROM pg_indexes i
        WHERE i.tablename IN ('records_patient', 'records_casefile',
            'requests_app_opinionrequest', 'requests_app_message')
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
        """
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _name, definition in found]


def _signed_in() -> tuple[Any, Any, Any]:
    from django.test import Client

    from tests.factories import ClinicFactory, coordinator

    clinic = ClinicFactory()
    user, client = coordinator(clinic), Client()
    client.force_login(user)
    client.get("/clinic/queue/")
    return client, clinic, user


def _times(client: Any, url: str) -> list[float]:
    taken = []
    for _ in range(PER_ROUND):
        began = time.perf_counter()
        response = client.get(url)
        taken.append(1000 * (time.perf_counter() - began))
        assert response.status_code == 200
    return taken


def _search_times(queue: Any, user: Any, clinic: Any) -> list[float]:
    """Find somebody by six letters of the name: trigram index, capped candidates."""
    from hashlib import md5

    taken = []
    for number in range(1, PER_ROUND + 1):
        name = md5(f"a{number}".encode(), usedforsecurity=False).hexdigest()[:6]
        began = time.perf_counter()
        assert queue.find(user, clinic.pk, name)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


class Child:
    def __init__(self, size: int) -> None:
        self.size, self.times = size, dict[str, list[list[float]]]()
        parts = urlsplit(os.environ["DATABASE_URL"])
        database = f"bench_queue_{size}"
        _in_server(f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database}")
        env = os.environ | {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{database}"))}
        command = [sys.executable, "-m", "bench.queue", str(size)]
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL if not os.environ.get("BENCH_LOUD") else None,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process for {self.size} requests ended; run with BENCH_LOUD=1")
        return dict(json.loads(line))

    def round(self, what: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        self.times.setdefault(what, []).append(self.read()["ms"])

    def percentile(self, what: str, percent: int) -> float:
        """The middle of the rounds' own percentiles: one disturbed round does not count."""
        of_rounds = [statistics.quantiles(ms, n=100)[percent - 1] for ms in self.times[what]]
        return statistics.median(of_rounds)


def _in_server(*statements: str) -> None:
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def main() -> int:
    children = [Child(size) for size in SIZES]
    ready = [child.read() for child in children]
    for _ in range(ROUNDS):
        for what in ("first", "later", "status", "search"):
            for child in children:
                child.round(what)
    for child in children:
        child.process.communicate()
    print(f"{'page':8} {'requests':>9} {'open':>7} {'queries':>7} {'p50 ms':>7} {'p95 ms':>7}")
    worst = 0.0
    for what in ("first", "later", "status", "search"):
        p95s = []
        for child, made in zip(children, ready, strict=True):
            p50, p95 = child.percentile(what, 50), child.percentile(what, 95)
            queries = made["queries"].get(what, "")
            size = f"{child.size:9,} {open_of(child.size):7,}"
            print(f"{what:8} {size} {queries:>7} {p50:7.1f} {p95:7.1f}")
            p95s.append(p95)
        ratio = p95s[-1] / p95s[0]
        print(f"{what:8} p95 of {SIZES[-1]:,} against {SIZES[0]:,}: {ratio:.2f}x")
        worst = max(worst, ratio) if what != "search" else worst
    same = all(len({made["queries"][name] for made in ready}) == 1 for name in ready[0]["queries"])
    print(f"same number of queries: {same}; worst page {worst:.2f}x (at most {MOST_RATIO}x)")
    print("filled in", ", ".join(f"{made['seconds']:.0f} s" for made in ready))
    return 0 if same and worst <= MOST_RATIO else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]))
    else:
        raise SystemExit(main())
