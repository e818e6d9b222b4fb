"""Every DICOM row of the shared corpus: what its manifest expects against what we do.

The table stands in docs/imaging.md; each of its lines is checked here.
"""

import pytest

from bench.imaging import corpus
from tests.records.dicom.samples import a_case_file

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not corpus.DATA.exists(), reason="the shared records are not on this machine"
    ),
]


@pytest.mark.parametrize("row", corpus.rows(), ids=lambda row: row["path"])
def test_it_meets_the_manifest(row):
    case_file = a_case_file()
    observed = corpus.observe(case_file, corpus.DATA / row["path"])
    assert corpus.is_met(row, observed), observed
    assert corpus.line(row, observed) in corpus.DOCUMENT.read_text()  # what is published


def test_a_folder_of_a_cd_comes_in_whole():
    case_file = a_case_file()
    folder = corpus.DATA / "dicom" / "11-patient-cd"
    results = corpus.take_folder(case_file, folder)
    stored = [path for path, problem in results.items() if not problem]
    assert sorted(stored) == ["DICOM/IM000001", "DICOM/IM000002", "DICOM/IM000003"]
    assert set(results.values()) == {"", "not_dicom", "media_directory"}
