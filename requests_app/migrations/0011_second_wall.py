from django.db import migrations

from secondop.lib.second_wall import (
    OF_OTHER_CASE_FILES,
    OF_OTHER_REQUESTS,
    behind_the_wall,
    shows,
)

IS_CLEAR = """(
    EXISTS (SELECT 1 FROM requests_app_question q
            WHERE q.id = question_id AND q.blinding_class = 'clear')
    OR EXISTS (SELECT 1 FROM requests_app_patientstatement s
               WHERE s.id = statement_id AND s.blinding_class = 'clear'))"""
OWN_THREAD = """(
    thread = 'specialist' AND specialist_id = wall_reader() AND withheld_at IS NULL)"""
REPORT_SHOWS = shows("requests_app_report", "id", "report_id")
NEVER_SHOWN = ("report", "privatereason", "itemstatement", "waiver", "stafftask")


class Migration(migrations.Migration):
    dependencies = [
        ("requests_app", "0010_one_index_a_list"),
        ("records", "0023_second_wall"),
    ]

    operations = [
        behind_the_wall("requests_app_wording", OF_OTHER_CASE_FILES, IS_CLEAR),
        behind_the_wall("requests_app_deskdecision", OF_OTHER_CASE_FILES),
        behind_the_wall("requests_app_message", OF_OTHER_REQUESTS, OWN_THREAD),
        *(behind_the_wall(f"requests_app_{table}", OF_OTHER_REQUESTS) for table in NEVER_SHOWN),
        behind_the_wall("requests_app_statuschange", OF_OTHER_REQUESTS, "by_id = wall_reader()"),
        behind_the_wall("requests_app_followupquestion", REPORT_SHOWS),
    ]
