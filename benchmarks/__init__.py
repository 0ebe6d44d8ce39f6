"""What it costs, side by side with what people would do instead. `python -m benchmarks.run` writes results.md."""
