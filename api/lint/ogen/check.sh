#!/usr/bin/env bash
# Fails unless ogen, a generator independent of ours, generates a server and a client from openapi.yaml that compile. They are
# written to a temporary folder. ogen ignores text/json.
set -euo pipefail
cd "$(dirname "$0")"
contract=$PWD/../../../openapi.yaml

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp go.mod go.sum imports.go "$made"
cd "$made"
if ! go tool ogen --loglevel warn --target made --package made "$contract"; then
	echo "ogen refuses openapi.yaml" >&2
	exit 1
fi
grep -q 'GetJobs(ctx' made/oas_server_gen.go
grep -q 'ListJobs(ctx' made/oas_server_gen.go
go vet ./made
