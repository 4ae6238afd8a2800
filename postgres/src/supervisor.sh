# Holds one private PostgreSQL server for its owner, who talks to us through our standard input.
#
# usage: sh -c ... supervisor PROGRAMS FOLDER keep|remove
#
# Each line that the owner sends is one command, each answer is one line, "ok" or "failed". When
# the input ends, the owner is gone, however it went: the server is stopped and a temporary
# folder removed. Standard error is the supervisor's log; its lock is what keeps a second owner out.
set -u
programs=$1 folder=$2 afterwards=$3
data=$folder/data
log=$folder/server.log
# Only a server that we started is ours to stop.
started=no

say() { echo "supervisor: $*" >&2; }

# Under another name first: a start that is cut off must not leave half a cluster behind.
init() {
    rm -rf "$data.new"
    sync=
    [ "$afterwards" = keep ] || sync=--no-sync
    "$programs/initdb" --pgdata="$data.new" --username=postgres --pwfile="$folder/password" \
        --auth=scram-sha-256 --encoding=UTF8 --no-locale $sync </dev/null >&2 || return 1
    echo "include = '../leadrail.conf'" >>"$data.new/postgresql.conf"
    mv "$data.new" "$data"
}

# A copy of the server whose port its owner has written down, made to follow it.
copy() {
    PGPASSWORD=$(cat "$folder/password") "$programs/pg_basebackup" --pgdata="$data" \
        --host=127.0.0.1 --port="$(cat "$folder/primary")" --username=postgres --no-sync \
        --write-recovery-conf --wal-method=stream --checkpoint=fast </dev/null >&2
}

# After a kill the last backends may hold the old shared memory for a moment.
start() {
    tries=100
    : >"$log"
    until "$programs/pg_ctl" start --pgdata="$data" --log="$log" --wait --timeout=120 --silent </dev/null >&2; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] && grep -q 'still in use' "$log" || return 1
        : >"$log"
        sleep 0.1
    done
    started=yes
}

stop() {
    [ "$started" = yes ] || return 0
    "$programs/pg_ctl" stop --pgdata="$data" --mode="$1" --wait --timeout=15 --silent </dev/null >&2 ||
        "$programs/pg_ctl" stop --pgdata="$data" --mode=immediate --wait --timeout=15 --silent </dev/null >&2 ||
        kill_server
    started=no
}

# The server has no parent that waits for it but init, and not every container has a good one:
# a zombie that nobody collects must not hold us for ever.
kill_server() {
    [ "$started" = yes ] || return 0
    started=no
    read -r server <"$data/postmaster.pid" || return 0
    kill -KILL "$server" || return 0
    tries=100
    while kill -0 "$server" 2>/dev/null && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.02
    done
}

finish() {
    trap '' HUP INT TERM
    stop fast
    [ "$afterwards" = keep ] || rm -rf "$folder"
}

trap finish EXIT
trap 'exit 1' HUP INT TERM
# An owner that died before our answer must not take us along: the end of input is still to come.
trap '' PIPE

while read -r command; do
    case $command in
        init) init ;;
        copy) copy ;;
        promote) "$programs/pg_ctl" promote --pgdata="$data" --wait --silent </dev/null >&2 ;;
        start) start ;;
        fast | immediate) stop "$command" ;;
        kill) kill_server ;;
        *) false ;;
    esac && answer=ok || answer=failed
    say "$command: $answer"
    echo "$answer" || exit 1
done
