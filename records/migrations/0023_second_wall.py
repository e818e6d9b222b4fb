from django.db import migrations

from secondop.lib.second_wall import SEALED, behind_the_wall, make_the_wall

OF_OTHERS = f"case_file_id <> ALL ({SEALED})"
# The policy of the other table decides: whose document is hidden has nothing to show.
DOCUMENT_SHOWS = "EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id)"
HAS_A_SERIES = """EXISTS (SELECT 1 FROM records_imagingseries s
    WHERE s.study_id = records_imagingstudy.id)"""
TRANSFER_SHOWS = "EXISTS (SELECT 1 FROM records_transfer t WHERE t.id = transfer_id)"
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
        *(behind_the_wall(f"records_{table}", OF_OTHERS) for table in NEVER_SHOWN),
        behind_the_wall(
            "records_document", OF_OTHERS, "(status = 'available' AND blinding_class = 'clear')"
        ),
        behind_the_wall("records_documentpage", OF_OTHERS, DOCUMENT_SHOWS),
        behind_the_wall("records_recordpart", OF_OTHERS, DOCUMENT_SHOWS),
        behind_the_wall("records_clinicalfact", OF_OTHERS, DOCUMENT_SHOWS),
        behind_the_wall("records_imagingseries", OF_OTHERS, "blinding_class = 'clear'"),
        behind_the_wall("records_imagingstudy", OF_OTHERS, HAS_A_SERIES),
        behind_the_wall("records_transferstudy", TRANSFER_SHOWS),
        behind_the_wall("records_measurementreport", OF_OTHERS, "by_id = wall_reader()"),
    ]
