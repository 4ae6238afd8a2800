#!/usr/bin/env bash
# Builds the image leadrail-test-postgres:15 from Debian packages, without any image registry.
#
# For machines where a Docker engine answers but no image can be pulled. Needs root, for the
# bootstrap of a Debian tree. Does nothing where the image is there and was made by this version
# of these scripts.
set -euo pipefail

image=leadrail-test-postgres:15
# Debian 12 carries PostgreSQL 15, so the tag says the truth whatever Debian the machine runs.
suite=bookworm
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { echo "test image: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

# The version of this recipe, kept as a label on the image.
recipe() { cat "$here/build.sh" "$here/entrypoint.sh" | sha256sum | cut -c1-16; }

up_to_date() {
    local label
    label=$(docker image inspect --format '{{ index .Config.Labels "leadrail.recipe" }}' "$image" 2>/dev/null) || return 1
    [ "$label" = "$(recipe)" ]
}

# The Debian archive that this machine installs from, in either format of apt's sources.
mirror() {
    local files=() file
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] && files+=("$file")
    done
    [ "${#files[@]}" -gt 0 ] && sed -nE \
        -e 's|^URIs:[[:space:]]*(https?://[^[:space:]]*/debian/?)([[:space:]].*)?$|\1|p' \
        -e 's|^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?(https?://[^[:space:]]*/debian/?)[[:space:]].*$|\2|p' \
        "${files[@]}" | head -n 1
}

install_debootstrap() {
    command -v debootstrap >/dev/null && return
    say "installing debootstrap"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# Puts a Debian tree with the PostgreSQL server into the folder $1.
make_tree() {
    local tree=$1 archive
    archive=$(mirror)
    [ -n "$archive" ] || fail "found no Debian archive in /etc/apt: name one there"
    debootstrap --variant=minbase "$suite" "$tree" "$archive" >"$work/debootstrap.log" 2>&1 ||
        fail "debootstrap failed: $(tail -n 3 "$work/debootstrap.log")"
    # Neither start services in the tree nor make a cluster that nobody uses.
    printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
    chmod +x "$tree/usr/sbin/policy-rc.d"
    mkdir -p "$tree/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$tree/etc/postgresql-common/createcluster.conf"
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$tree" \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql-15 \
        >"$work/install.log" 2>&1 ||
        fail "installing postgresql-15 failed: $(tail -n 3 "$work/install.log")"
}

# Adds our entrypoint and removes what only a package manager needs.
finish_tree() {
    local tree=$1
    install -m 755 "$here/entrypoint.sh" "$tree/usr/local/bin/leadrail-entrypoint"
    chroot "$tree" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale,info}/*
}

import_tree() {
    tar -C "$1" --numeric-owner --one-file-system -c . | docker import \
        --change 'ENTRYPOINT ["/usr/local/bin/leadrail-entrypoint"]' \
        --change 'CMD ["postgres"]' \
        --change 'ENV LANG=C.UTF-8' \
        --change 'USER postgres' \
        --change 'EXPOSE 5432' \
        --change 'VOLUME /var/lib/postgresql/data' \
        --change "LABEL leadrail.recipe=$(recipe)" \
        - "$image" >/dev/null
}

main() {
    docker version >/dev/null 2>&1 || fail "no Docker engine answers: start one, or test with LEADRAIL_TEST_POSTGRES=installed"
    exec 9>"${TMPDIR:-/tmp}/leadrail-test-image.lock"
    flock 9
    if up_to_date; then
        say "$image is up to date"
        return
    fi
    [ "$(id -u)" = 0 ] || fail "building $image needs root (debootstrap does): run it with sudo"
    install_debootstrap
    work=$(mktemp -d)
    trap 'rm -rf --one-file-system "$work"' EXIT
    say "building $image from $suite packages"
    make_tree "$work/tree"
    finish_tree "$work/tree"
    import_tree "$work/tree"
    say "built $image in ${SECONDS} s"
}

main
