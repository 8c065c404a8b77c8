#!/usr/bin/env bash
# Fails if the contract breaks programs made for a released one and does not have a new major version. The argument is the
# contract; without one, openapi.yaml.
#
# severity-levels.txt changes the levels of oasdiff:
# - A property removed from a response is an error even if it was optional: callers read it.
# - A property or parameter removed from a request is an error: the contract does not allow unknown ones.
# - A default that is changed or removed is an error: a request without the value gets another page.
# - A value added to a response is a warning: the vendor adds values in each release, and the contract tells readers to
#   keep values that they do not know.
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
	echo "No contract of major version ${version%%.*} has been released: there is nothing to break."
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
	echo "This breaks programs made for version $newest: undo it, or make it version $((${version%%.*} + 1)).0.0." >&2
	exit 1
fi
