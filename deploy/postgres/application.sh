#!/bin/bash
# Run once by the postgres image: the application's own role and database. It is no superuser.
set -euo pipefail
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username postgres --dbname postgres \
  --set=password="$(cat /run/secrets/database_password)" <<'SQL'
CREATE ROLE secondop LOGIN PASSWORD :'password';
CREATE DATABASE secondop OWNER secondop;
REVOKE ALL ON DATABASE secondop FROM PUBLIC;
SQL
