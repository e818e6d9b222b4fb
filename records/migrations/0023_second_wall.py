from django.db import migrations

from secondop.lib.second_wall import (
    OF_OTHER_CASE_FILES,
    behind_the_wall,
    make_the_wall,
    shows,
)

DOCUMENT_SHOWS = shows("records_document", "id", "document_id")
HAS_A_SERIES = shows("records_imagingseries", "study_id", "records_imagingstudy.id")
TRANSFER_SHOWS = shows("records_transfer", "id", "transfer_id")
NEVER_SHOWN = (
    "originaldiagnosis", "documentname", "upload", "blindinghit", "blindingsearch",
    "redactionarea", "burning", "identitycheck", "recordholder", "recordrequest",
    "recordrequestitem", "recordrequestevent", "authorization", "holderlink", "firstdoctor",
    "ehrpull", "ehrpage", "transfer", "imaginginlet", "imagingremoval", "specimen",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("records", "0022_one_index_a_list")]

    operations = [
        make_the_wall,
        *(behind_the_wall(f"records_{table}", OF_OTHER_CASE_FILES) for table in NEVER_SHOWN),
        behind_the_wall(
            "records_document", OF_OTHER_CASE_FILES, "(status = 'available' AND blinding_class = 'clear')"
        ),
        behind_the_wall("records_documentpage", OF_OTHER_CASE_FILES, DOCUMENT_SHOWS),
        behind_the_wall("records_recordpart", OF_OTHER_CASE_FILES, DOCUMENT_SHOWS),
        behind_the_wall("records_clinicalfact", OF_OTHER_CASE_FILES, DOCUMENT_SHOWS),
        behind_the_wall("records_imagingseries", OF_OTHER_CASE_FILES, "blinding_class = 'clear'"),
        behind_the_wall("records_imagingstudy", OF_OTHER_CASE_FILES, HAS_A_SERIES),
        behind_the_wall("records_transferstudy", TRANSFER_SHOWS),
        behind_the_wall("records_measurementreport", OF_OTHER_CASE_FILES, "by_id = wall_reader()"),
    ]
