"""SECURITY: which opinion a further reader met under which letter is drawn once, for good."""

from django.db import migrations

from secondop.lib.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("specialists", "0004_panels_and_further_readers")]
    operations = [append_only("specialists_earlieropinion")]
