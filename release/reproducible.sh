#!/usr/bin/env bash
# Fails unless the command, built as for a release, has the same bytes from two directories and two build caches. The
# second cache is empty, so that nothing is reused.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build DIRECTORY: builds the command from a copy of this tree there.
build() {
	mkdir -p "$work/$1"
	tar --exclude=./.git --exclude=node_modules -cf - . | tar -xf - -C "$work/$1"
	(cd "$work/$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o d365backup ./cmd/d365backup)
}

build one
GOCACHE="$work/cache" build another/and/deeper
if ! cmp "$work/one/d365backup" "$work/another/and/deeper/d365backup"; then
	echo "The command's bytes depend on where it is built. Compare 'go version -m' of both, and look for" >&2
	echo "something of the machine in the build, such as a path or the time." >&2
	exit 1
fi
(cd "$work/one" && sha256sum d365backup)
