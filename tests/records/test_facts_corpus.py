"""Every electronic record, paper and picture of the shared corpus: expected against observed.

The table stands in docs/records.md; each of its lines is checked here.
"""

from __future__ import annotations

import pytest

from bench import records_in as corpus

pytestmark = pytest.mark.skipif(
    not corpus.DATA.exists(), reason="the shared records are not on this machine"
)


@pytest.mark.parametrize("row", corpus.rows(), ids=lambda row: row["path"])
def test_it_meets_the_manifest(row):
    observed = corpus.observe(corpus.DATA / row["path"])
    assert corpus.is_met(row, observed), observed
    assert corpus.line(row, observed) in corpus.DOCUMENT.read_text()  # what is published
