"""The second wall: PostgreSQL itself keeps what is sealed from whoever reviews a case file sealed.

The first wall is code: `visible_to` and `records.blinding` choose rows by sight. Behind it stand
row level security policies on the tables that hold what is sealed. The connection is told who
asks, at the beginning of a request; the policies look up that person's live sealed grants
themselves. So a page that forgets to ask for the sight finds no row.

For everybody else, and for jobs, the policies let all rows through: one look at a setting for each
query. SECURITY: a superuser passes every policy, so the application must not be one (a check says
so), and backups are made by one who is.

Source: PostgreSQL manual, section 5.9; OWASP ASVS 5.0, 8.2.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import Tags, Warning, register  # noqa: A004
from django.core.signals import request_finished
from django.db import Error, OperationalError, connection, migrations
from django.db.backends.signals import connection_created

_TELL = "SELECT set_config('secondop.reader', %s, false)"

# The case files that the reader of this connection reviews sealed. Asked once by each query: as
# the policies write it, (SELECT ...) has nothing of the row and is computed beforehand.
SEALED = "(SELECT sealed_from_reader())::uuid[]"
NOBODY_IS_SEALED = "(SELECT cardinality(sealed_from_reader()) = 0)"
# For `of_others` below, of a table that names its case file, or its opinion request.
OF_OTHER_CASE_FILES = f"case_file_id <> ALL ({SEALED})"
OF_OTHER_REQUESTS = f"""opinion_request_id NOT IN (
    SELECT r.id FROM requests_app_opinionrequest r WHERE r.case_file_id = ANY ({SEALED}))"""  # noqa: S608  (ours alone)

make_the_wall = migrations.RunSQL(
    """
    CREATE FUNCTION wall_reader() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('secondop.reader', true), '')::uuid
    $$;
    CREATE FUNCTION sealed_from_reader() RETURNS uuid[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    BEGIN
        IF wall_reader() IS NULL THEN
            RETURN '{}';
        END IF;
        RETURN ARRAY(SELECT case_file_id FROM records_accessgrant WHERE to_id = wall_reader()
                     AND sight = 'sealed' AND revoked_at IS NULL AND until > now());
    END $$;
    """,
    "DROP FUNCTION sealed_from_reader(); DROP FUNCTION wall_reader();",
)


def behind_the_wall(table: str, of_others: str, unless: str = "false") -> migrations.RunSQL:
    """Return the operation that hides rows of `table` from a sealed reader.

    `of_others` is a condition in SQL: the row belongs to no case file that the reader reviews
    sealed. `unless` names the rows that a sealed reader may have all the same.
    """
    return migrations.RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY anybody ON {table} USING (true);
        CREATE POLICY not_sealed ON {table} AS RESTRICTIVE
            USING ({NOBODY_IS_SEALED} OR {of_others} OR {unless}) WITH CHECK (true);
        """,
        f"""
        DROP POLICY not_sealed ON {table};
        DROP POLICY anybody ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def shows(table: str, key: str, column: str) -> str:
    """The condition that a row of another table, named by `column`, is not hidden by its policy."""
    return f"EXISTS (SELECT 1 FROM {table} o WHERE o.{key} = {column})"  # noqa: S608  (as above)


def stand_before(reader: str) -> None:
    """From now on this thread's connection asks on behalf of `reader` (a user's id); "" ends it."""
    if reader == _reader_of(connection):
        return
    connection.second_wall_reader = reader  # type: ignore[attr-defined]
    if connection.connection:
        _tell(connection)
    elif reader:
        connection.ensure_connection()  # which tells it


def _reader_of(wrapper: Any) -> str:
    return getattr(wrapper, "second_wall_reader", "")


def _tell(wrapper: Any) -> None:
    """Past Django's cursors: this is no question of a page, and is counted with none."""
    with wrapper.wrap_database_errors:
        wrapper.connection.execute(_TELL, [_reader_of(wrapper)])


def _tell_a_new_one(connection: Any, **_more: Any) -> None:
    """A connection that broke within a request is made anew for the same reader."""
    if _reader_of(connection):
        _tell(connection)


def forget(**_more: Any) -> None:
    """After a request: the next one is somebody else's. A connection in doubt is closed."""
    try:
        stand_before("")
    except Error:
        connection.close()


@register(Tags.database)
def role_is_bound(app_configs: Any, databases: Any = None, **_more: Any) -> list[Warning]:
    """A superuser, or a role with BYPASSRLS, passes every policy: then there is one wall alone."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
            [is_above] = cursor.fetchone()
    except OperationalError:  # `makemigrations` is used without a database, too
        return []
    if not is_above:
        return []
    return [
        Warning(
            "The role of DATABASE_URL passes every row level security policy.",
            hint="Use a role without SUPERUSER and BYPASSRLS, as deploy/postgres makes it.",
            id="secondop.W001",
        )
    ]


connection_created.connect(_tell_a_new_one)
request_finished.connect(forget)
