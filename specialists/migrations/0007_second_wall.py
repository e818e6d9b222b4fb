from django.db import migrations

from secondop.lib.second_wall import OF_OTHER_REQUESTS, SEALED, behind_the_wall, shows

REFERRALS_OF_OTHER_READERS = f"""
    SELECT r.id FROM specialists_referral r
    JOIN requests_app_opinionrequest q ON q.id = r.opinion_request_id
    JOIN specialists_specialist s ON s.id = r.specialist_id
    WHERE q.case_file_id = ANY ({SEALED}) AND s.user_id <> wall_reader()"""
OPINION_SHOWS = shows("specialists_opinion", "referral_id", "opinion_id")
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
