# Cotangent: build, test and check. `make help` lists the targets.

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 60s
PROGRAMS    ?= 3000
# Packages whose tests share values between goroutines.
CONCURRENT  := ./device/... ./kernels/cpu/... ./tensor/... ./grad/... ./internal/cc/... ./internal/cache/...
ISAS        := avx512 avx2 baseline neon

.PHONY: help build test check check-all bench generate gofmt vet staticcheck race nocgo isas arm64 sanitize programs fuzz setup-cuda cuda cuda-all gpu-check

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

build: ## the command, into bin/
	$(GO) build -o bin/cotangent ./cmd/cotangent

test: ## what the README says
	$(GO) test ./...

check: gofmt vet staticcheck race nocgo cuda ## the quick checks (CI runs them after the tests)

check-all: check test isas arm64 sanitize programs fuzz cuda-all ## everything: instruction sets, arm64, sanitizers, random programs, fuzzing

bench: ## the benchmarks of all packages, for benchstat
	$(GO) test -run '^$$' -bench . -benchmem ./...

generate: ## regenerate what is generated
	$(GO) generate ./...

gofmt:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not gofmt-clean:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) vet ./...

staticcheck:
	$(GO) run $(STATICCHECK) $(TAGS) ./...

race:
	$(GO) test -race -short $(CONCURRENT)

nocgo:
	CGO_ENABLED=0 $(GO) test -short ./...

# Each instruction set that the machine has; one that it lacks is refused by
# device.Open with a message, which `cotangent info` shows.
isas: build
	@for isa in $(ISAS); do \
	  if COTANGENT_ISA=$$isa bin/cotangent info >/dev/null 2>&1; then \
	    echo "COTANGENT_ISA=$$isa"; COTANGENT_ISA=$$isa $(GO) test -count=1 ./kernels/... ./tensor/... ./grad/... || exit 1; \
	  else echo "COTANGENT_ISA=$$isa: this machine has it not"; fi; \
	done

arm64:
	.ci/arm64

sanitize:
	.ci/sanitize

programs: # many more than the tests try
	$(GO) test -count=1 -timeout 30m ./grad -run RandomPrograms -v -rapid.checks $(PROGRAMS)

fuzz:
	.ci/fuzz $(FUZZTIME)

setup-cuda: ## headers and compilers of CUDA 13.0, into build/cuda (where no toolkit is installed)
	device/cuda/setup nvcc

cuda: ## CUDA without a GPU: build, vet, a quick part of the tests on the stand-in
	.ci/cuda quick

cuda-all: ## ... all tests, in three orders of threads, and every kernel by the real compiler
	.ci/cuda all

gpu-check: ## what to carry to a machine with a GPU, into build/gpu; run.sh there tests and measures
	gpu/build
