# A thin front for CMake (see CMakePresets.json); `make help` lists the targets.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
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
	@$(call configure,release) && cmake --build --preset release -j $(JOBS) >/dev/null
	@scripts/demo.sh

.PHONY: test
test: ## every test there is, in every kind of build; ends with ctest's summary
	@scripts/setup.sh test
	@JOBS=$(JOBS) scripts/test.sh

.PHONY: check
check: ## the tests of the release build alone
	@scripts/setup.sh test
	@$(call build,release)
	@ctest --preset release -j $(JOBS)

.PHONY: bench
bench: ## measure against every peer that the machine has
	@scripts/setup.sh bench
	@$(call build,release)
	@bench/run.sh

.PHONY: install
install: all ## into PREFIX (default /usr/local); DESTDIR is heeded
	@cmake --install build --prefix $(abspath $(PREFIX))

.PHONY: debug asan tsan clang
debug asan tsan clang: ## that kind of build, with its tests
	@$(call build,$@)
	@ctest --preset $@ -j $(JOBS)

.PHONY: coverage
coverage: ## the tests with gcov, and a table of the lines they reach
	@scripts/coverage.sh

.PHONY: fuzz
fuzz: ## libFuzzer on each target of fuzz/, SECONDS_EACH (default 60)
	@scripts/setup.sh fuzz
	@$(call build,fuzz)
	@scripts/fuzz.sh

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
	@sed -n 's/^\([a-z][a-z ]*\):[^#]*## \(.*\)/\1: \2/p' Makefile
