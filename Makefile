# A thin front for CMake: `make help` says what there is.

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory

.PHONY: all
all:
	cmake --preset release >/dev/null
	cmake --build --preset release -j $(JOBS)

.PHONY: debug asan tsan coverage clang
debug asan tsan coverage clang:
	cmake --preset $@ >/dev/null
	cmake --build --preset $@ -j $(JOBS)
	ctest --preset $@ -j $(JOBS)

.PHONY: clean
clean:
	rm -rf build build-*
