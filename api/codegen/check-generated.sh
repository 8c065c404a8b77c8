#!/usr/bin/env bash
# Fails unless the generated files are exactly those generated from openapi.yaml: none changed, missing or left over. Works
# on a copy of the current folder, and changes neither that folder nor git.
set -euo pipefail

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar --exclude=./.git --exclude=node_modules -cf - . | tar -xf - -C "$copy"

# Delete all of them, so that a file that is no longer generated is noticed.
find "$copy/generated" -type f ! -name doc.go -delete
find "$copy" -type f -name '*.gen.go' -delete
(cd "$copy" && go generate ./...)

if ! diff -r --exclude=.git --exclude=node_modules . "$copy"; then
	echo "Generated files are not those of openapi.yaml: run 'make generate', and delete those that it no longer writes." >&2
	exit 1
fi
