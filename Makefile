# SPDX-License-Identifier: Apache-2.0
# What people type. Each target is one script in tools/ or one Maven call; `make -n` shows which.
# Needs apt and a JDK 25 and nothing else; `make build` installs what is missing and says so.

MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The build is done when this is newer than every source. Directories count too: their time
# changes when a file goes.
BUILT := agent/target/.built
MODULES := agent bpf-programs exporter ffi-bindings
SOURCES := pom.xml $(MODULES:%=%/pom.xml) $(wildcard .mvn/* .mvn/*/*) tools/build \
	$(shell find $(MODULES:%=%/src) bpf-programs/prebuilt -print 2>/dev/null)

# The hook's files are prerequisites whose names hold no blanks; a vanished one just means "build".
$(SOURCES):

.PHONY: help
help: ## show this list
	@printf 'Sonde: where does each pod'"'"'s time go?\n\n'
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nAfterwards: sudo ./sonde agent, ./sonde doctor, ./sonde --help\n'

.PHONY: build
build: $(BUILT) ## install what is missing (apt) and build the agent
	@echo '==> built; now: make run, make demo, or ./sonde --help'

$(BUILT): $(SOURCES)
	@tools/build

.PHONY: run
run: $(BUILT) ## build, start the agent, print a line per second until Ctrl-C
	@exec tools/run

.PHONY: demo
demo: $(BUILT) ## the agent beside three pods: a JVM that allocates, a lossy TCP pair; SECONDS=n ends it
	@exec tools/demo $(SECONDS)

.PHONY: test
test: ## formatters, strict build, unit, kernel and end-to-end tests
	@exec tools/test

.PHONY: matrix
matrix: ## every guest test on every kernel of vmtest/, cgroup v1 and lockdown too
	@exec tools/matrix

.PHONY: image
image: $(BUILT) ## the container image, without Docker or a registry: build/image/sonde.tar
	@exec tools/image

.PHONY: soak
soak: ## storms and churn for minutes, 4,000 pods: nothing leaks, nothing is lost uncounted
	@exec tools/soak $(SECONDS)

.PHONY: bench
bench: $(BUILT) ## the benchmarks of docs/benchmarks.md (no foreign BPF programs may be attached)
	@exec bench/run

.PHONY: format
format: ## format Java and BPF C in place
	@exec tools/format

.PHONY: bpf
bpf: ## rebuild the BPF objects with the pinned clang-19
	@exec tools/bpf

.PHONY: layouts
layouts: ## generate the Java views of the objects' structs from their BTF
	@exec tools/layouts

.PHONY: clean
clean: ## remove everything that was built
	@rm -rf build $(MODULES:%=%/target)
	@echo '==> clean'
