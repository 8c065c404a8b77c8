#!/usr/bin/env bash
# Looks for known vulnerabilities in code that this module calls. Exits with 3 if there are any, and with 4 if the database
# cannot be reached. Then nothing was checked.
set -euo pipefail
cd "$(dirname "$0")/.."

# The version has the date of the database only if it can be reached.
if ! go tool -modfile=tools.mod govulncheck -version | grep '^DB updated:'; then
	echo "NOT CHECKED for known vulnerabilities: govulncheck cannot reach its database from here." >&2
	echo "Run ./release/vuln.sh on a machine that can, before a release and from time to time." >&2
	exit 4
fi
go tool -modfile=tools.mod govulncheck ./...
