from django.db import migrations

from secondop.lib.second_wall import SEALED, behind_the_wall

OF_OTHERS = f"case_file_id <> ALL ({SEALED})"
OF_OTHER_REQUESTS = f"""opinion_request_id NOT IN (
    SELECT r.id FROM requests_app_opinionrequest r WHERE r.case_file_id = ANY ({SEALED}))"""
IS_CLEAR = """(
    EXISTS (SELECT 1 FROM requests_app_question q
            WHERE q.id = question_id AND q.blinding_class = 'clear')
    OR EXISTS (SELECT 1 FROM requests_app_patientstatement s
               WHERE s.id = statement_id AND s.blinding_class = 'clear'))"""
OWN_THREAD = """(
    thread = 'specialist' AND specialist_id = wall_reader() AND withheld_at IS NULL)"""
REPORT_SHOWS = "EXISTS (SELECT 1 FROM requests_app_report r WHERE r.id = report_id)"
NEVER_SHOWN = ("report", "privatereason", "itemstatement", "waiver", "stafftask")


class Migration(migrations.Migration):
    dependencies = [
        ("requests_app", "0010_one_index_a_list"),
        ("records", "0023_second_wall"),
    ]

    operations = [
        behind_the_wall("requests_app_wording", OF_OTHERS, IS_CLEAR),
        behind_the_wall("requests_app_deskdecision", OF_OTHERS),
        behind_the_wall("requests_app_message", OF_OTHER_REQUESTS, OWN_THREAD),
        *(behind_the_wall(f"requests_app_{table}", OF_OTHER_REQUESTS) for table in NEVER_SHOWN),
        behind_the_wall("requests_app_statuschange", OF_OTHER_REQUESTS, "by_id = wall_reader()"),
        behind_the_wall("requests_app_followupquestion", REPORT_SHOWS),
    ]
