from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("requests_app", "0006_checklists")]

    operations = [
        migrations.AlterField(
            model_name="deskdecision",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waits for a second look"),
                    ("in_force", "In force"),
                    ("undone", "Taken back"),
                    ("refused", "Not agreed by the second person"),
                ],
                default="in_force",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="deskdecision", name="desk_decision_one_open"),
        migrations.AddConstraint(
            model_name="deskdecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")),
                fields=("about_type", "about_id"),
                name="desk_decision_one_open",
            ),
        ),
    ]
