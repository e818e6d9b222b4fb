"""SECURITY: history is only ever added to; the database itself refuses anything else."""

from django.db import migrations

from secondop.lib.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("specialists", "0001_initial")]
    operations = [
        append_only("specialists_seal"),
        append_only("specialists_opinionrevision"),
    ]
