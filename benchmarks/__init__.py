"""What twopoint costs, beside what else there is: ``python -m benchmarks``."""
