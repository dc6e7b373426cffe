"""make bench: wall time and peak memory of every stage, and the fast estimators beside their peers, answer first."""
