"""Other people's models and measurements: a Verilog-A linter, imports of models, fits to data."""
