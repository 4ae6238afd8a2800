#!/bin/sh
# Starts the test server: creates the cluster at the first start, then becomes `postgres` itself,
# so that a stop signal reaches the server and nothing stands between.
#
# Reads POSTGRES_PASSWORD (needed) and POSTGRES_DB (optional), as the official image does.
# Runs as the user postgres.
set -eu

data=/var/lib/postgresql/data
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH

if [ ! -s "$data/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD: this server has no other way in}"
    # Another folder first: a start that was cut short must not leave half a cluster behind.
    rm -rf "$data/new"
    umask 077
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --pgdata="$data/new" --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$data/new/pg_hba.conf"
    if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
        name=$(printf '%s' "$POSTGRES_DB" | sed 's/"/""/g')
        echo "create database \"$name\"" | postgres --single -j -D "$data/new" postgres >/dev/null
    fi
    mv "$data/new/PG_VERSION" "$data/new/PG_VERSION.last"
    mv "$data/new"/* "$data/"
    rmdir "$data/new"
    mv "$data/PG_VERSION.last" "$data/PG_VERSION"
fi

# `postgres -c name=value`, `-c name=value` and nothing at all mean the same server.
[ "${1:-}" = postgres ] && shift
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
