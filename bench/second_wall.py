"""What the second wall costs a page: `python -m bench.second_wall [rounds]`.

The same pages in the same process, with the wall and with row level security switched off and
nobody announced; the rounds alternate. A figure is the median of all answers, in ms. Run it inside
`deploy.local test`.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

PER_ROUND = 40


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    from secondop.lib import second_wall

    announce = second_wall.stand_before
    pages = _pages()
    taken: dict[tuple[str, bool], list[float]] = {}
    for number in range(rounds):
        for stands in (True, False) if number % 2 else (False, True):
            second_wall.stand_before = announce if stands else lambda _reader: None
            _switch("ENABLE" if stands else "DISABLE")
            for name, ask in pages.items():
                ask()
                taken.setdefault((name, stands), []).extend(_timed(ask) for _ in range(PER_ROUND))
    print("| page | without, ms | with the second wall, ms | more |\n|---|---|---|---|")
    for name in pages:
        without, behind = (statistics.median(taken[name, stands]) for stands in (False, True))
        print(f"| {name} | {without:.2f} | {behind:.2f} | {behind - without:+.2f} |")


def _pages() -> dict[str, Callable[[], Any]]:
    from requests_app.models import OpinionRequest
    from secondop.accounts.models import User
    from tests.contracts.test_non_interference import WORLDS
    from tests.contracts.worlds import build
    from tests.secondop.api.dicomweb_files import signed_in

    world = build(WORLDS["longer"])
    reader = signed_in(world.reader)
    case = OpinionRequest.objects.get(pk=world.referral.opinion_request_id)
    staff = signed_in(User.objects.get(pk=world.referral.offered_by_id))
    addresses = {
        "a specialist's desk": (reader, "/reviews/"),
        "a sealed case file": (reader, f"/reviews/{world.referral.pk}/case-file/"),
        "a coordinator's queue": (staff, "/clinic/queue/"),
        "a request at the clinic": (staff, f"/clinic/requests/{case.pk}/"),
    }

    def asking(client: Any, address: str) -> Callable[[], Any]:
        def ask() -> None:
            assert client.get(address).status_code == 200, address

        return ask

    return {name: asking(*each) for name, each in addresses.items()}


def _timed(ask: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def _switch(word: str) -> None:
    """Row level security of every table behind the wall: ENABLE or DISABLE."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
                       " WHERE p.polname = 'not_sealed'")  # fmt: skip
        for (table,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE "{table}" {word} ROW LEVEL SECURITY')


if __name__ == "__main__":
    main()
