#!/usr/bin/env bash
# Fuzzes every target of the module for the time given, such as 20s, two at a time. An input that makes one fail is saved
# in its testdata/fuzz: fix the code and keep the input there.
set -euo pipefail
cd "$(dirname "$0")/.."

# run TIME PACKAGE TARGET: prints one line, or the whole output if it fails.
run() {
	local out
	# Without a limit, minimizing one input may take longer than everything else.
	if out=$(go test -vet=off -run '^$' -fuzz "^$3\$" -fuzztime "$1" -fuzzminimizetime 1s -parallel 1 "$2" 2>&1); then
		echo "$2 $3: $(grep -o 'execs: [0-9]*' <<<"$out" | tail -n 1)"
	else
		echo "$2 $3: FAIL"$'\n'"$out"
		return 1
	fi
}
export -f run

# go test lists the targets of a package before the package.
targets=$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[++n] = $1 } $1 == "ok" { for (; n; n--) print $2, names[n] }')
if [[ -z $targets ]]; then
	echo "There are no fuzz targets." >&2
	exit 1
fi
xargs -P 2 -L 1 bash -c 'run "$@"' run "$1" <<<"$targets"

# The simulators, with more cases than "make test" has time for.
go test -vet=off -run '^TestSimulator$' ./internal/paging -cases 50000
go test -vet=off -run '^TestSimulator$' ./health -cases 50000
