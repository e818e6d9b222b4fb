"""A database trigger that refuses to change or remove rows: for migrations."""

from django.db import migrations


def append_only(table: str) -> migrations.RunSQL:
    """Return the operation that makes `table` accept INSERT alone, whoever asks."""
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of {table} are only ever added'
                USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only();
        """,
        f"""
        DROP TRIGGER append_only ON {table};
        DROP FUNCTION {table}_is_append_only();
        """,
    )
