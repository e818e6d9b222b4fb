from django.db import migrations

from secondop.accounts.seeds import PURPOSE, rewrite
from secondop.lib.ciphers import MARK, encrypted


def encrypt(apps, _schema_editor):
    """Seeds of second factors that stand there as they are."""
    rows = apps.get_model("mfa", "Authenticator").objects
    rewrite(rows, lambda seed: seed if seed.startswith(MARK) else encrypted(seed, PURPOSE))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_clinic_demands_second_look"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [migrations.RunPython(encrypt, migrations.RunPython.noop)]
