#!/usr/bin/env bash
# Does what README.md says as a stranger would: in a clean clone of the last commit, with an empty home, no
# module and no build cache, and on PATH only Go, git, make and what every system has; then in a program of
# the stranger's own. The commands and the program are read from README.md, and each step's time is printed.
# What else the documents show is run by "make test", one of the commands.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -z $(git status --porcelain) ]] || echo "Uncommitted changes are no part of this." >&2

home=$(mktemp -d)
# Files of a module cache are read-only.
trap 'chmod -R u+w "$home" && rm -rf "$home"' EXIT
mkdir "$home/bin" "$home/program"
for tool in go git make sh bash awk basename cat chmod cmp cp cut diff dirname env expand find grep head ls mkdir \
	mktemp mv rm sed sleep sort tail tar tee touch tr uname uniq wc xargs; do
	ln -s "$(command -v $tool)" "$home/bin/$tool"
done

# How this machine reaches the network is no stranger's choice.
machine=()
for name in GOPROXY GOSUMDB GONOPROXY GONOSUMDB GOPRIVATE HTTPS_PROXY https_proxy NO_PROXY no_proxy SSL_CERT_FILE; do
	[[ -z ${!name-} ]] || machine+=("$name=${!name}")
done

TIMEFORMAT='# took %lR, %lU of processor time'
# step DIRECTORY COMMAND: takes a step there.
step() {
	printf '\n$ %s\n' "$2"
	time (cd "$1" && env -i HOME="$home" PATH="$home/bin" "${machine[@]}" bash -c "$2")
}

# block LANGUAGE PATTERN: prints the first block of README.md in a language that has the pattern in it.
block() {
	awk -v opening="\`\`\`$1" -v pattern="$2" '
		$0 == opening { inside = 1; text = ""; next }
		/^```/ && inside && text ~ pattern { printf "%s", text; found = 1; exit }
		/^```/ { inside = 0 }
		inside { text = text $0 "\n" }
		END { if (!found) { print "README.md has no block with " pattern > "/dev/stderr"; exit 1 } }' README.md
}

# steps DIRECTORY PATTERN: takes the steps of the first block of commands that has the pattern in it.
steps() {
	local lines line
	lines=$(block sh "$2")
	while IFS= read -r line <&3; do
		step "$1" "$line"
	done 3<<<"$lines"
}

printf '$ git clone\n'
time git clone --quiet . "$home/d365backup"
steps "$home/d365backup" 'make test'

step "$home/program" 'go mod init example.com/program'
block go '^package main' >"$home/program/main.go"
steps "$home/program" 'go mod edit'
step "$home/program" 'go run .' | tee "$home/jobs"
if ! grep -q ' records failed$' "$home/jobs"; then
	echo "The program of README.md lists no failed backup." >&2
	exit 1
fi
