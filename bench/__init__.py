"""Benchmarks beside the neighbours; `python -m bench` runs them, README.md says how to read them.

Nothing here is part of the library, and no test asserts a time: each run compares peers on one
machine within one run, and prints.
"""
