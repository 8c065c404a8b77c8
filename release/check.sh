#!/usr/bin/env bash
# Builds the release of the last commit as a snapshot, in a clone, and tests the result. Publishes nothing.
set -euo pipefail
root=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
goreleaser=$(go tool -C "$root" -modfile=release/go.mod -n goreleaser) # builds it if necessary

git clone --quiet "$root" "$work/one"
cd "$work/one"
"$goreleaser" check
"$goreleaser" release --snapshot --clean

# The same commit in another folder, with an empty build cache, so that nothing is reused. Only for this system, for speed.
git clone --quiet "$work/one" "$work/another/and/deeper"
(cd "$work/another/and/deeper" &&
	GOCACHE="$work/cache" "$goreleaser" build --snapshot --single-target --skip=before --output "$work/rebuilt")

cd release
REBUILT="$work/rebuilt" go test -count=1 -v .
