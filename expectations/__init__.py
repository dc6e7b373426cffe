"""Great Expectations at the four doors of the warehouse: raw, staging, marts, results.

suites/<door>.json says what is expected and why; runner.run_door() checks it over the open DuckDB connection and
writes pages that people read. dbt guards structure (keys, links); these suites guard plausibility.
"""
