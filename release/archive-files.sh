#!/usr/bin/env bash
# Writes into a directory what the archives contain besides the binary: man pages, completions, and the licenses of the
# linked modules.
set -euo pipefail
out=$1
cd "$(dirname "$0")/.."
rm -rf "$out"
mkdir -p "$out/man" "$out/completions"

go build -o "$out/d365backup" ./cmd/d365backup
"$out/d365backup" man "$out/man"
"$out/d365backup" completion bash >"$out/completions/d365backup.bash"
"$out/d365backup" completion zsh >"$out/completions/_d365backup"
"$out/d365backup" completion fish >"$out/completions/d365backup.fish"
"$out/d365backup" completion powershell >"$out/completions/d365backup.ps1"
rm "$out/d365backup"
./release/licenses.sh "$out/THIRD-PARTY-LICENSES"
