# The targets that a change has to pass; "make" alone lists them.

# Tools that no importer of this module should meet in its graph are pinned in tools.mod.
tool := go tool -modfile=tools.mod
npm_bin := api/lint/node_modules/.bin
# Modules of their own inside this one: an importer, the validator's comparison with another, and
# the client with OpenTelemetry. test/report-browser is one, too, whose tests need more than Go.
nested := internal/consumer api/internal/peer test/otel

# Where the contract is kept once it is released.
released = api/released/$$(awk '$$1 == "version:" { print $$2; exit }' openapi.yaml).yaml

# How long "make soak" runs.
SOAK ?= 10m

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\#.*/\1/p' Makefile)

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

generate: ## Make generated/ and api/spec.gen.go from openapi.yaml.
	go generate ./...

check-generated: ## Fail if a generated file differs, is missing or is left over.
	./api/codegen/check-generated.sh

check-breaking: ## Fail if openapi.yaml breaks a released contract without a new major version, or is not kept.
	./api/released/check-breaking.sh
	go test -count=1 -tags gate ./api/released
	@cmp -s openapi.yaml $(released) || { echo "openapi.yaml is not in api/released: run make release-contract." >&2; exit 1; }

release-contract: ## Keep openapi.yaml in api/released/, by its version, if it breaks nothing.
	./api/released/check-breaking.sh
	cp openapi.yaml $(released)

test: ## Run the tests, those of the nested modules included.
	go test ./...
	for module in $(nested); do (cd $$module && go test ./...) || exit 1; done

test-race: ## Run the tests under the race detector; needs a C compiler. Not those that only run other programs.
	go test -race $$(go list ./... | grep -v -e /api/codegen$$ -e /internal/docs$$)

test-peers: test/peers/oidc/node_modules test/peers/prism/node_modules ## Run the tests with programs of others; needs npm.
	go test -tags peers -timeout 5m ./test/peers/...

fuzz: ## Fuzz each target for FUZZTIME, two at a time; what is found is kept in testdata/fuzz.
	./test/fuzz.sh $(or $(FUZZTIME),10m)

test-faults: ## Run the client against failing networks and servers; docs/reliability.md says what comes of it.
	cd test/faults && go vet ./... && go test ./...

soak: ## Run the client through random faults under the race detector, for SOAK=10m; needs a C compiler.
	cd test/faults && go run -race ./soak -for $(SOAK)

test-browser: ## Run the tests of the HTML report in Chromium; needs the command chromium.
	cd test/report-browser && go test -timeout 20m ./...

picture: ## Take the picture of a report for the README; needs the command chromium.
	cd test/report-browser && go test -count 1 -run TestPicture . -args -picture ../../docs/report.png

fmt: ## Format the Go code.
	$(tool) golangci-lint fmt

lint: ## Run go vet and golangci-lint.
	go vet ./...
	for module in $(nested) test/report-browser; do (cd $$module && go vet ./...) || exit 1; done
	@# staticcheck and gosec are among its linters.
	@$(tool) golangci-lint linters | awk '/^Disabled/ { exit } /^(gosec|staticcheck):/ { print; n++ } END { exit n != 2 }'
	$(tool) golangci-lint run

lint-contract: api/lint/node_modules ## Lint openapi.yaml, and generate from it with the tools of others; needs npm.
	$(npm_bin)/spectral lint --ruleset api/lint/.spectral.yaml --fail-severity warn openapi.yaml
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		$(npm_bin)/redocly lint --config api/lint/redocly.yaml openapi.yaml
	$(tool) oasdiff validate --fail-on INFO --allow-external-refs=false openapi.yaml
	./api/lint/check-types.sh
	./api/lint/ogen/check.sh

bench: ## Run the client's benchmarks, some minutes long, and summarize them.
	go test -run '^$$' -bench 'Decode|BenchmarkPage' -benchmem -count 6 ./wrapper > bench.out
	go test -run '^$$' -bench 'Sweep|Requests|Break|Tenant' -benchtime 1x -count 3 ./wrapper >> bench.out
	$(tool) benchstat bench.out

bench-validators: ## Compare the speed of package api with that of other validators, in turns.
	for round in 1 2 3 4 5 6 7 8 9 10; do \
		(cd api/internal/peer && go test -run '^$$' -bench . -benchtime 200ms) || exit 1; done > bench.out
	$(tool) benchstat -row .name -col "/validator@(api openapi3filter libopenapi-validator)" bench.out

smoke: ## Try README.md in a clean clone of the last commit, with an empty home and module cache.
	./test/smoke.sh

verify: ## Check sums of modules, licences of what is linked, and that a build can be repeated.
	for module in $$(git ls-files '*go.mod'); do (cd $$(dirname $$module) && go mod verify) || exit 1; done
	go mod verify -modfile=tools.mod
	./release/licenses.sh
	./release/reproducible.sh

vuln: ## Look for known vulnerabilities; fails too where the database cannot be reached.
	./release/vuln.sh

release-check: ## Build the release of the last commit and test it; long, publishes nothing.
	./release/check.sh

%/node_modules: %/package.json %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund
	touch $@
