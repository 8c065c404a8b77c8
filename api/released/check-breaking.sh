#!/usr/bin/env bash
# Fails if the contract breaks programs that were made for a released one without saying so by a new
# major version. Takes the contract as its argument; without one, openapi.yaml.
#
# severity-levels.txt changes how oasdiff judges:
# - A property that goes from an answer is an error, though it was optional: callers read it.
# - A property or parameter that goes from a request is an error: the contract takes no unknown one.
# - A default that changes or goes is an error: a request that leaves the value out gets another page.
# - A value that an answer gains is a warning: the vendor adds some in each release, and the
#   contract's readers are told to keep what they do not know.
set -euo pipefail
cd "$(dirname "$0")/../.."
contract=${1:-openapi.yaml}

version=$(awk '$1 == "version:" { print $2; exit }' "$contract")
if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
	echo "$contract: info.version is \"$version\": write it like 1.2.3." >&2
	exit 1
fi

released=$(find api/released -name "${version%%.*}.*.yaml" | sort -V | tail -n 1)
if [[ -z $released ]]; then
	echo "No contract of major version ${version%%.*} has been released: nothing to break."
	exit
fi
newest=$(basename "$released" .yaml)
highest=$(printf '%s\n' "$newest" "$version" | sort -V | tail -n 1)
if [[ $highest == "$newest" ]] && ! cmp -s "$released" "$contract"; then
	echo "$contract has version $version and differs from $released: raise info.version above $newest." >&2
	exit 1
fi

if ! go tool -modfile=tools.mod oasdiff breaking --flatten-allof --fail-on ERR --allow-external-refs=false \
	--severity-levels api/released/severity-levels.txt "$released" "$contract"; then
	echo "This breaks programs made for version $newest: take it back, or make it version $((${version%%.*} + 1)).0.0." >&2
	exit 1
fi
