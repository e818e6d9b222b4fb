from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0004_patient_add_name_search")]

    operations = [
        migrations.AddField(
            model_name="documentpage",
            name="size_bytes",
            field=models.PositiveIntegerField(default=0),
        )
    ]
