"""Pure functions on arrays: NumPy, SciPy and Numba in, frozen dataclasses out. No pandas, DuckDB, dbt or files."""
