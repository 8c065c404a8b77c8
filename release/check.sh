#!/usr/bin/env bash
# Builds the release of the last commit in a clone, as a snapshot, and tests the result. Publishes nothing.
set -euo pipefail
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone --quiet "$(git rev-parse --show-toplevel)" "$clone"
cd "$clone"

go tool -modfile=release/go.mod goreleaser check
go tool -modfile=release/go.mod goreleaser release --snapshot --clean
cd release
go test -count=1 -v .
