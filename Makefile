# A thin front for CMake (see CMakePresets.json); `make help` lists the targets.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export JOBS
# What `make fuzz` heeds. Exported afterwards: a variable that is exported counts as defined, to ?=.
ENGINE ?= libfuzzer
SECONDS_EACH ?= 60
RUNS_EACH ?= 0
export ENGINE SECONDS_EACH RUNS_EACH
# What `make differential` makes.
FILES ?= 100000
MAKEFLAGS += --no-print-directory

configure = cmake --preset $1 >/dev/null
build = $(call configure,$1) && cmake --build --preset $1 -j $(JOBS)

.PHONY: all
all: ## the library and the tool, in build/; the tool is build/actree
	@scripts/setup.sh build
	@$(call build,release)

.PHONY: demo
demo: ## index this machine's own files, query them, show what was measured
	@scripts/setup.sh demo
	@$(call configure,release) && cmake --build --preset release -j $(JOBS) --target actree >/dev/null
	@scripts/demo.sh

.PHONY: test
test: ## every test there is, in every kind of build; ends with ctest's summary
	@scripts/setup.sh test
	@scripts/test.sh

.PHONY: check
check: ## the tests of the release build alone
	@scripts/setup.sh test
	@scripts/test.sh release

.PHONY: debug asan races tsan coverage clang platforms
debug asan races tsan coverage clang platforms: ## that step of make test alone; tsan: all of races
	@scripts/setup.sh test
	@scripts/test.sh $@

.PHONY: mcdc
mcdc: ## coverage of conditions by clang 19: which of them decide by themselves
	@scripts/setup.sh test $@
	@scripts/test.sh $@

EACH ?= 6
SEED ?= 1
.PHONY: mutate
mutate: ## faults put into the library, EACH in a source by SEED: do the tests notice?
	@scripts/setup.sh test $@
	@python3 -B scripts/mutate.py --each $(EACH) --seed $(SEED) $(or $(WHAT),format verify merge read build)

.PHONY: portable
portable: ## every test with src/os/portable, which asks nothing of the system but ISO C
	@scripts/setup.sh test
	@scripts/test.sh $@

.PHONY: i386 s390x mingw
i386 s390x mingw: ## every test as programs for that machine or system, which are run or emulated here
	@scripts/setup.sh test $@
	@scripts/test.sh $@

.PHONY: darwin
darwin: ## compile the library for macOS; nothing is run
	@scripts/setup.sh build darwin
	@scripts/darwin.sh

.PHONY: bench
bench: ## measure against every peer that the machine has
	@scripts/setup.sh bench
	@bench/run.sh

.PHONY: reliability
reliability: ## what tests reliability, in larger numbers, with tables; FULL=1: those of a release
	@scripts/setup.sh reliability
	@scripts/reliability.py $(if $(FULL),--full)

.PHONY: soak
HOURS ?= 1
soak: all ## random work, kills, power cuts and damage against a model, for HOURS (default 1)
	@scripts/setup.sh reliability
	@python3 -B tests/reliability/soak.py build/actree --hours $(HOURS)

.PHONY: install
install: all ## into PREFIX (default /usr/local); DESTDIR is heeded
	@cmake --install build --prefix $(abspath $(PREFIX))

.PHONY: fuzz
fuzz: ## libFuzzer (ENGINE=afl: AFL++) on TARGETS of fuzz/, SECONDS_EACH (60) or RUNS_EACH
ifeq ($(ENGINE),afl)
	@scripts/setup.sh fuzz afl
	@$(call build,afl)
else
	@scripts/setup.sh fuzz
	@$(call build,fuzz)
endif
	@scripts/fuzz.py $(TARGETS)

.PHONY: fuzz-merge
fuzz-merge: ## take inputs that `make fuzz` found, and that reach further, into fuzz/TARGET/corpus
	@scripts/setup.sh fuzz
	@$(call build,fuzz)
	@scripts/fuzz.py --merge $(TARGETS)

.PHONY: differential
differential: ## FILES (100000) mutants, and what `make fuzz` found, by library, model and reference
	@scripts/setup.sh test
	@$(call build,release)
	@python3 -B tests/hostile/test_model.py build/tests/interop/act_peer --files $(FILES) \
		--corpora $(wildcard out/fuzz/libfuzzer/*/corpus out/fuzz/afl/*/default/queue)

.PHONY: format
format: ## bring the sources into the form that the tests ask for
	@scripts/sources.sh | xargs clang-format -i

.PHONY: tidy
tidy: ## clang-tidy on everything
	@$(call configure,release)
	@python3 tests/lint/tidy.py build

.PHONY: clean
clean: ## remove every build folder
	rm -rf build build-*

.PHONY: help
help:
	@sed -n 's/^\([a-z][a-z0-9 -]*\):[^#]*## \(.*\)/\1: \2/p' Makefile
