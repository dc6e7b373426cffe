"""The same model fitted to every biomarker of a panel, by blocks."""
