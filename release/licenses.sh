#!/usr/bin/env bash
# Prints the license of Go and of every module that the command or a public package links on a released system. Fails if
# licenses.json does not allow one. With a file as its argument, writes the license texts there, for the archives.
# license-overrides.ndjson names licenses that the detector does not recognize.
set -euo pipefail
cd "$(dirname "$0")/.."
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT

for system in linux darwin windows; do
	GOOS=$system CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' \
		./cmd/d365backup ./api ./config ./health ./sandbox/... ./wrapper
done | sort -u >"$list/paths"
{
	printf '{"Path": "Go", "Version": "%s", "Dir": "%s"}\n' "$(go env GOVERSION)" "$(go env GOROOT)"
	xargs go list -m -json <"$list/paths"
} >"$list/modules"

go tool -modfile=tools.mod go-licence-detector -includeIndirect -in "$list/modules" -rules release/licenses.json \
	-overrides release/license-overrides.ndjson -depsTemplate release/licenses.tmpl -depsOut "$list/licenses"
sort -t $'\t' -k 2 -o "$list/licenses" "$list/licenses"
if [[ $(wc -l <"$list/licenses") -ne $(($(wc -l <"$list/paths") + 1)) ]]; then
	echo "These modules have no license in the list. They may not be downloaded: run 'go mod download'." >&2
	cut -f 2 "$list/licenses" | comm -13 - "$list/paths" >&2
	exit 1
fi
cut -f 1-3 "$list/licenses"

if [[ $# -gt 0 ]]; then
	while IFS=$'\t' read -r license module version file; do
		printf '%.0s=' {1..80}
		printf '\n%s %s: %s\n\n' "$module" "$version" "$license"
		cat "$file"
		find "$(dirname "$file")" -maxdepth 1 -name 'NOTICE*' -exec cat {} +
		echo
	done <"$list/licenses" >"$1"
fi
