
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_clinic_demands_second_look"),
        ("records", "0020_first_doctor_letters"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecordPart",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("head", models.JSONField(blank=True, default=dict)),
                ("headings", models.JSONField(default=list)),
                ("content", models.JSONField(default=list)),
                ("case_file", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.casefile")),
                ("clinic", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.clinic")),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="records.document")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("document", "number"), name="record_part_once")],
            },
        ),
    ]
