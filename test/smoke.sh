#!/usr/bin/env bash
# Does what README.md tells a new user to do: in a clean clone of the last commit, with an empty home and an empty module
# cache, and with only Go, git, make and standard tools on PATH; then in a program of the user's own. Each step is a
# command in README.md and prints how long it took.
#
# The build cache is the machine's, which saves compiling; the clone is always in the same place, so that it can.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -z $(git status --porcelain) ]] || echo "Uncommitted changes are not tested." >&2

work=${TMPDIR:-/tmp}/d365backup-smoke
if ! mkdir "$work"; then
	echo "Another smoke test may be running. If not, delete $work." >&2
	exit 1
fi
# Files in a module cache are read-only.
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
mkdir "$work"/{home,bin,program}
for tool in go git make sh bash awk basename cat chmod cmp cp cut diff dirname env expand find grep head ls mkdir mkfifo \
	mktemp mv rm sed sleep sort tail tar tee touch tr uname uniq wc xargs; do
	ln -s "$(command -v $tool)" "$work/bin/$tool"
done

# What stays of the environment: the build cache, and how this machine reaches the network. No test result is reused.
environment=(HOME="$work/home" PATH="$work/bin" GOCACHE="$(go env GOCACHE)" GOFLAGS=-count=1)
for name in GOPROXY GOSUMDB GONOPROXY GONOSUMDB GOPRIVATE HTTPS_PROXY https_proxy NO_PROXY no_proxy SSL_CERT_FILE; do
	[[ -z ${!name-} ]] || environment+=("$name=${!name}")
done

TIMEFORMAT='# took %lR, %lU of processor time'
# step DIRECTORY COMMAND: runs a command there.
step() {
	printf '\n$ %s\n' "$2"
	time (cd "$work/$1" && env -i "${environment[@]}" bash -c "$2")
}

# readme DIRECTORY COMMAND: runs a command that README.md shows.
readme() {
	if ! grep -qE -- "^(\\$ )?$2( +#.*)?$" README.md; then
		echo "README.md no longer shows: $2" >&2
		exit 1
	fi
	step "$1" "$2"
}

git clone --quiet . "$work/d365backup"
readme d365backup 'go run ./cmd/d365backup jobs --sandbox' | tee "$work/jobs"
grep -q Finished "$work/jobs"
readme d365backup 'make test'
readme d365backup 'go build -o bin/ ./cmd/d365backup'
step d365backup 'bin/d365backup doctor --sandbox'

# The program that README.md shows a part of.
cp examples/failed/main.go "$work/program"
step program 'go mod init example.com/program'
readme program 'go mod edit -require=github.com/d365backup/d365backup@v0.0.0 -replace=github.com/d365backup/d365backup=../d365backup'
readme program 'go mod tidy'
step program 'go run .' | tee "$work/failed"
if ! grep -q ' records failed$' "$work/failed"; then
	echo "examples/failed lists no failed backup." >&2
	exit 1
fi
