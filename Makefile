TAGS  := seccomp,netgo,osusergo
# What linking needs of Debian: pkg-config tells cgo where libseccomp is.
TOOLS := gcc libc6-dev libseccomp-dev pkg-config
JS    := testdata/clients/js
BUILD := go build -trimpath -tags $(TAGS) -ldflags '-s -w -extldflags -static'

.PHONY: build example demo test check fuzz bench bench-proxy simulate cli-diff clean

build: bin/apron ## the one binary, linked statically

bin/apron: FORCE
	@.ci/deps $(TOOLS)
	$(BUILD) -o bin/apron ./cmd/apron

example: ## the example service as an image, in a file for skopeo
	@CGO_ENABLED=0 go run ./cmd/apron-demo -save bin/hello.tar

demo: build ## an example service from an image and one from source, from push to delete, on a platform of its own
	@.ci/deps git
	@CGO_ENABLED=0 go run ./cmd/apron-demo -apron bin/apron

# The tests of cmd/ build and run the real program: the race detector would watch their polling alone, and the go
# command would take them for cached when the program has changed.
test: check $(JS)/node_modules ## everything that CI runs
	@.ci/deps $(TOOLS) awscli skopeo btrfs-progs e2fsprogs busybox-static git openssh-server python3-boto3 groff less tzdata bash-completion mmdebstrap debian-archive-keyring curl chromium libnss3-tools openssl ca-certificates util-linux prometheus
	go test -race -timeout 20m -tags $(TAGS) $$(go list ./... | grep -v /cmd/)
	go test -count=1 -timeout 30m -tags $(TAGS) ./cmd/...

# AWS's client for JavaScript as its lock file has it. Any Node from version 18 on will do; Debian's is for machines with none.
$(JS)/node_modules: $(JS)/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || .ci/deps nodejs npm
	@npm ci --prefix $(JS) --ignore-scripts --no-audit --no-fund
	@touch $@

check: ## what can be said without running anything
	@.ci/deps $(TOOLS)
	@.ci/check

FUZZTIME := 1m

fuzz: ## every fuzz target, for FUZZTIME each
	@.ci/deps $(TOOLS)
	@.ci/fuzz $(FUZZTIME)

bench: build ## the figures of docs/benchmarks.md
	@.ci/deps runc awscli time git mmdebstrap debian-archive-keyring
	@CGO_ENABLED=0 go run ./cmd/apron-bench -apron bin/apron

simulate: ## a day of requests through the rule that scales, and through Knative's: the tables of docs/benchmarks.md
	@CGO_ENABLED=0 go test -count=1 -v -run '^TestSimulation$$' ./autoscale -args -day

bench-proxy: build ## apron's data plane beside nginx, HAProxy, Caddy and Go's own proxy; BENCH='-only small -rounds 1' for less
	@.ci/deps wrk nginx haproxy caddy curl nftables util-linux
	@CGO_ENABLED=0 go run ./cmd/apron-bench-proxy -apron bin/apron $(BENCH)

SEED := 1

cli-diff: build ## argument lists drawn from the model, given to apron and to AWS's CLI: with SEED, and with a fresh seed
	@.ci/deps awscli
	@CGO_ENABLED=0 go run ./cmd/apron-clidiff -apron bin/apron -seed $(SEED)
	@CGO_ENABLED=0 go run ./cmd/apron-clidiff -apron bin/apron

clean:
	rm -rf bin

FORCE:
