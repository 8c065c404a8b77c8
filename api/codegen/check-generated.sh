#!/usr/bin/env bash
# Fails unless the generated files are exactly those that openapi.yaml makes: none changed, none
# missing, none left over. Works on a copy of the folder it is called in and leaves that folder, and
# git, alone.
set -euo pipefail

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar --exclude=./.git --exclude=node_modules -cf - . | tar -xf - -C "$copy"

# Start without any of them, so that a file which nothing makes any more is seen.
find "$copy/generated" -type f ! -name doc.go -delete
find "$copy" -type f -name '*.gen.go' -delete
(cd "$copy" && go generate ./...)

if ! diff -r --exclude=.git --exclude=node_modules . "$copy"; then
	echo "Generated files differ from what openapi.yaml makes: run 'make generate', and delete what it no longer makes." >&2
	exit 1
fi
