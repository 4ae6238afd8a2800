#!/usr/bin/env bash
# The peers' programs beside ours, interleaved, on one private PostgreSQL; prints one table.
#
#   bench/peers/run.sh [DIRECTORY]       default: ../shared/bench/peers beside this checkout
#
# The directory holds run_peer.sh, python/ and rust/ (its README says how to build them). A peer whose
# program is not there is skipped and named. Environment:
#   PYTHON     an interpreter with psycopg, and dbos, absurd-sdk and absurdctl for these two
#   PEERS_BIN  the Rust peers' binaries, default DIRECTORY/rust/target/release
#   NODE       node, for the peers in DIRECTORY/node once its node_modules are there
#   ROUNDS     default 3; SCALE, in percent, makes every run shorter
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
peers=$(cd "${1:-../shared/bench/peers}" && pwd)
here=$PWD/bench/peers
bin=${PEERS_BIN:-$peers/rust/target/release}
export PYTHON=${PYTHON:-$peers/python/venv/bin/python}
node=${NODE:-node}
rounds=${ROUNDS:-3} scale=${SCALE:-100}
leadrail=${LEADRAIL:-target/release/leadrail}
postgres=${PRIVATE_POSTGRES:-target/release/private-postgres}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

coproc server { "$postgres" --database bench --set shared_buffers=1GB --set max_connections=200; }
read -r url <&"${server[0]}"
export DATABASE_BASE=${url%/*}

# A database for each, so that nobody's tables stand in another's way.
"$PYTHON" - <<'PYTHON'
import os, psycopg
with psycopg.connect(os.environ["DATABASE_BASE"] + "/postgres", autocommit=True) as db:
    for name in "apalis queue underway duroxide sayiir dbospy absurd dbosts absurdts openworkflow graphile pgboss".split():
        db.execute(f"create database p_{name}")
PYTHON

size() { echo $(($1 * scale / 100)); }

# peer KIND LABEL DATABASE N PROGRAM... -- ARGUMENTS...   (KIND: four or one, the steps of a workflow)
peer() {
    local kind=$1 label=$2 database=$3 n
    n=$(size "$4")
    shift 4
    local program word
    for word in "$@"; do
        if [ "$word" = -- ]; then break; fi
        program=$word
    done
    if [ ! -e "$program" ]; then
        echo "$label" >>"$results/missing"
        return
    fi
    echo "  $label, $n" >&2
    "$peers/run_peer.sh" "$database" "$label" "$n" 1 "$@" 2>&1 | sed "s/^/$kind /" >>"$results/lines" || true
}

# A Node peer's packages are installed or it is not there.
node_peer() {
    local kind=$1 label=$2 database=$3 n=$4 program=$5
    shift 5
    if [ -d "$peers/node/node_modules" ]; then
        peer "$kind" "$label" "$database" "$n" "$node" "$peers/node/$program" "$@"
    else
        echo "$label" >>"$results/missing"
    fi
}

ours() {
    echo "  ours" >&2
    "$leadrail" bench workers --processes 1 --workflows "$(size 40000)" --on "$url" --json 2>/dev/null |
        tr -d '\n' | sed 's/^/ours-four /' >>"$results/lines"
    echo >>"$results/lines"
    "$leadrail" bench single --rounds 1 --workflows "$(size 50000)" --on "$url" --json 2>/dev/null |
        tr -d '\n' | sed 's/^/ours-one /' >>"$results/lines"
    echo >>"$results/lines"
}

round() {
    peer four apalis-workflow p_apalis 10000 "$bin/apalis" -- 1000 1000 poll100
    peer four underway p_underway 1000 "$bin/underway" -- 4
    ours
    peer four duroxide p_duroxide 500 "$bin/duroxide" -- 8
    peer four sayiir p_sayiir 1000 "$bin/sayiir" -- 8 16 20
    peer four dbos-python p_dbospy 1000 "$PYTHON" "$peers/python/dbos_bench.py" -- 100 0.05
    peer four absurd-python p_absurd 2000 "$PYTHON" "$here/absurd.py" -- 4 20
    KIND=job peer one apalis-queue p_queue 50000 "$bin/apalis" -- 1000 1000 poll100
    node_peer four dbos-typescript p_dbosts 4000 dbos.mjs -- 300 20
    node_peer four absurd-typescript p_absurdts 5000 absurd.mjs -- 50 50
    node_peer four openworkflow p_openworkflow 3000 openworkflow.mjs -- 100
    node_peer one graphile-worker p_graphile 50000 graphile.mjs -- 20 500
    node_peer one pg-boss p_pgboss 50000 pgboss.mjs -- 4 1000 0
}

# A new server is slow until it has written its first segments of log.
"$leadrail" bench single --rounds 1 --workflows "$(size 50000)" --on "$url" --json >/dev/null 2>&1
for ((round = 1; round <= rounds; round++)); do
    echo "round $round of $rounds, load $(cut -d' ' -f1 /proc/loadavg)" >&2
    round
done
sort -u "$results/missing" 2>/dev/null | sed 's/^/not installed: /'
"$PYTHON" "$here/table.py" "$results/lines"
