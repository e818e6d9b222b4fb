"""Drills run on an installation of their own that they may kill, flood and restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.site import Site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.drill)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    place = Site()
    try:
        yield place.start()
    finally:
        place.stop()
