"""The parts of the benchmark, each a module with a function run(bench) that returns what belongs into
bench.json, and what they share."""
