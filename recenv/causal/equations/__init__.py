"""The structural equations: each mechanism is one file of scalar functions, for one user at one step.

They are compiled for the CPU loop and, unchanged, for the GPU kernel; with `NUMBA_DISABLE_JIT=1` they run as plain
Python. Symbols are those of `docs/causal_world.md`.
"""
