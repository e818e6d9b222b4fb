from django.db import migrations, models
from django.utils.crypto import salted_hmac

import records.models.case_file


def keep(apps, _schema_editor):
    """What was made of SECRET_KEY each time stays as it is."""
    for case_file in apps.get_model("records", "CaseFile").objects.iterator():
        key = salted_hmac("records.imaging.alias", str(case_file.pk), algorithm="sha256")
        case_file.alias_key = key.hexdigest()
        case_file.save(update_fields=["alias_key"])


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0024_headers_of_archives"),
    ]

    operations = [
        migrations.AddField(
            model_name="casefile",
            name="alias_key",
            field=models.CharField(
                default=records.models.case_file.new_alias_key, editable=False, max_length=64
            ),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
