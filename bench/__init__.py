"""The measurements: ``python -m bench.NAME [--quick]`` prints figures in words and, last, a JSON line."""
