#!/usr/bin/env bash
# Looks for known vulnerabilities in what this module calls. Exits with 3 where there are some, and with 4
# where the database cannot be reached: then nothing was checked, which is no pass.
set -euo pipefail
cd "$(dirname "$0")/.."

# The version names the date of the database only where that answers.
if ! go tool -modfile=tools.mod govulncheck -version | grep '^DB updated:'; then
	echo "NOT CHECKED for known vulnerabilities: govulncheck cannot reach its database from here." >&2
	echo "Run ./release/vuln.sh where it can, before a release and from time to time." >&2
	exit 4
fi
go tool -modfile=tools.mod govulncheck ./...
