import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('records', '0003_icd_word_and_order')]

    operations = [
        migrations.AddIndex(
            model_name='patient',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper('full_name'), name='gin_trgm_ops'
                ),
                name='patient_name_search',
            ),
        ),
    ]
