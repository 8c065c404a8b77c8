#!/usr/bin/env bash
# Fails unless openapi-typescript generates types from openapi.yaml with which typed.ts compiles under tsc --strict. The
# types are written to a temporary folder.
set -euo pipefail
cd "$(dirname "$0")"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
node_modules/.bin/openapi-typescript ../../openapi.yaml --output "$made/contract.ts"
cp typed.ts "$made"
node_modules/.bin/tsc --strict --noEmit --target es2022 --module nodenext --moduleResolution nodenext "$made/typed.ts"
