"""What bench.json says, as tables: a module for each kind of figures."""
