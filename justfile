# What people do in this repository. CI calls the same scripts (.ci/run).

# Lists these recipes.
default:
    @just --list --unsorted

# Compiles offline against .sqlx, as CI does, unless a database is named.
export SQLX_OFFLINE := if env("DATABASE_URL", "") == "" { "true" } else { "false" }

# Everything that CI checks.
ci:
    .ci/run

# Installs PostgreSQL, PgBouncer, cargo-deny and the test image where they are missing.
setup:
    .ci/setup

# Formatting and clippy.
lint:
    .ci/lint

# Formats all crates.
fmt:
    cargo fmt --all

# API documentation without warnings.
docs:
    .ci/docs

# Licences, bans and sources of our dependencies.
deny:
    .ci/deny

# Writes .sqlx from the migrations and queries of today.
sqlx:
    .ci/sqlx-cache

# Fails where .sqlx is not what the migrations and queries say.
sqlx-check:
    .ci/sqlx-cache --check

# The README's demo, with --json.
demo:
    .ci/demo

# The README's way from an empty database to a lead in the simulator's books.
use:
    .ci/use

# The snippets of docs/hand-over.md against a fresh API.
hand-over:
    .ci/hand-over

# What the API's description says, asked of the real server; takes half a minute.
schemathesis *arguments:
    .ci/schemathesis {{ arguments }}

# What previews show against the vendors' own API files; skipped where ../shared/specs is missing.
check-specs *folder:
    .ci/check-specs {{ folder }}

# The README's tests, with sums at the end.
test:
    .ci/test

# Mutation tests of the fence and the classification; takes half an hour.
mutants:
    .ci/mutants

# A database server for development, until Ctrl-D; its address is printed.
dev-postgres *arguments:
    cargo run --quiet -p leadrail-postgres --bin private-postgres -- --database dev {{ arguments }}

# Removes the container that the tests share.
test-clean:
    -docker rm --force --volumes leadrail-test-postgres
