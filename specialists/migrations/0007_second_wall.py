from django.db import migrations

from secondop.lib.second_wall import SEALED, behind_the_wall

REFERRALS_OF_OTHER_READERS = f"""
    SELECT r.id FROM specialists_referral r
    JOIN requests_app_opinionrequest q ON q.id = r.opinion_request_id
    JOIN specialists_specialist s ON s.id = r.specialist_id
    WHERE q.case_file_id = ANY ({SEALED}) AND s.user_id <> wall_reader()"""

OF_OTHER_REQUESTS = f"""opinion_request_id NOT IN (
    SELECT r.id FROM requests_app_opinionrequest r WHERE r.case_file_id = ANY ({SEALED}))"""
# The policy of the other table decides.
OPINION_SHOWS = "EXISTS (SELECT 1 FROM specialists_opinion o WHERE o.referral_id = opinion_id)"
OF_AN_OPINION = ("seal", "opinionrevision", "comparison", "answer", "treatmentoption")


class Migration(migrations.Migration):
    dependencies = [
        ("specialists", "0006_one_index_a_list"),
        ("requests_app", "0011_second_wall"),
    ]

    operations = [
        behind_the_wall("specialists_opinion", f"referral_id NOT IN ({REFERRALS_OF_OTHER_READERS})"),
        behind_the_wall("specialists_qualitycheck", OF_OTHER_REQUESTS),
        behind_the_wall("specialists_panel", OF_OTHER_REQUESTS),
        *(behind_the_wall(f"specialists_{table}", OPINION_SHOWS) for table in OF_AN_OPINION),
    ]
