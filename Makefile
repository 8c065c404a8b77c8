# What a change has to pass. "make" alone lists the targets.

# These tools are not in go.mod, so that programs that import this module do not get their dependencies.
tool := go tool -modfile=tools.mod
npm_bin := api/lint/node_modules/.bin

# The copy of this version of the contract in api/released.
released = api/released/$$(awk '$$1 == "version:" { print $$2; exit }' openapi.yaml).yaml

# A client and a server that ogen, a generator independent of ours, generates from openapi.yaml. ogen ignores text/json.
ogen := test/bench/ogen/oas_client_gen.go

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\#.*/\1/p' Makefile)

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

generate: ## Generate generated/ and api/spec.gen.go from openapi.yaml.
	go generate ./...

check-breaking: ## Fail if openapi.yaml breaks a released contract without a new major version, or is not in api/released.
	./api/released/check-breaking.sh
	go test -count=1 -tags gate ./api/released
	@cmp -s openapi.yaml $(released) || { echo "openapi.yaml is not in api/released: run make release-contract." >&2; exit 1; }

release-contract: ## Copy openapi.yaml to api/released if it breaks nothing.
	./api/released/check-breaking.sh
	cp openapi.yaml $(released)

test: ## Run the tests that need only Go.
	go test ./...
	cd internal/consumer && go test ./...
	cd test && go test ./database ./otel ./validators

golden: ## Update golden files and generated parts of documents; with Chromium (command chromium), the picture in README.md, too.
	UPDATE_GOLDEN=1 go test -count=1 ./health ./internal/cli ./internal/cli/jobs ./internal/docs ./internal/exporter ./internal/report \
		./internal/surface
	cd test && UPDATE_GOLDEN=1 go test -count=1 ./faults
	if command -v chromium >/dev/null; then cd test && UPDATE_GOLDEN=1 go test -count=1 -run '^TestPicture$$' ./browser; fi

test-race: ## Run the tests with the race detector; needs a C compiler. Skips those that only run other programs.
	go test -race $$(go list ./... | grep -v -e /api/codegen$$ -e /internal/docs$$)

test-more: test/interop/oidc/node_modules test/interop/prism/node_modules test/interop/history/node_modules ## Run the slow tests in test/; needs npm and the programs that .ci/run lists.
	cd test && go test -tags interop -timeout 20m ./faults ./export ./interop/... ./browser

fuzz: ## Fuzz each target for FUZZTIME (default 10m), two at a time; inputs that fail are kept in testdata/fuzz.
	./test/fuzz.sh $(or $(FUZZTIME),10m)

soak: ## Run the client through random faults for SOAK (default 10m) with the race detector; needs a C compiler.
	cd test && go run -race ./faults/soak -for $(or $(SOAK),10m)

lint: ## Run golangci-lint, which includes go vet, and go vet on the other modules.
	cd internal/consumer && go vet ./...
	cd test && go vet -tags interop ./...
	@# Fail if one of these is not enabled.
	@$(tool) golangci-lint linters | awk '/^Disabled/ { exit } /^(gosec|govet|staticcheck):/ { print; n++ } END { exit n != 3 }'
	$(tool) golangci-lint run

lint-contract: api/lint/node_modules $(ogen) ## Lint openapi.yaml, and generate code from it with other generators; needs npm.
	$(npm_bin)/spectral lint --ruleset api/lint/.spectral.yaml --fail-severity warn openapi.yaml
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		$(npm_bin)/redocly lint --config api/lint/redocly.yaml openapi.yaml
	$(tool) oasdiff validate --fail-on INFO --allow-external-refs=false openapi.yaml
	./api/lint/check-types.sh
	cd test/bench && go vet ./...

bench: $(ogen) ## Run the benchmarks of client, validators, exporter and command, which takes minutes.
	cd test/bench && go test -run '^$$' -bench . -benchtime 20x .
	cd test && go test -run '^$$' -bench . -benchtime 20x ./validators
	go test -run '^$$' -bench 'Sweep|Requests|Break|Tenant' -benchtime 1x -count 3 ./wrapper
	go test -count 30 -v -run '^TestThrottledSweeps$$' ./wrapper
	go test -run '^$$' -bench Probes -benchtime 1x ./internal/exporter
	cd test && go test -run '^$$' -bench Export -benchtime 1x -count 2 ./export
	go test -run '^$$' -bench Start -benchtime 20x -count 3 ./cmd/d365backup

smoke: ## Try README.md in a clean clone of the last commit, with an empty home and module cache.
	./test/smoke.sh

verify: ## Check generated files, module sums, the licenses of linked modules, and that builds are reproducible.
	./api/codegen/check-generated.sh
	for module in $$(git ls-files '*go.mod'); do (cd $$(dirname $$module) && go mod verify) || exit 1; done
	go mod verify -modfile=tools.mod
	./release/licenses.sh
	./release/reproducible.sh

release-check: ## Build the release of the last commit, without publishing it, and test it.
	./release/check.sh

$(ogen): openapi.yaml test/bench/ogen.yaml test/bench/go.mod
	cd test/bench && go tool ogen --loglevel error --clean --config ogen.yaml --target ogen --package ogen ../../openapi.yaml

%/node_modules: %/package.json %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund
	touch $@
