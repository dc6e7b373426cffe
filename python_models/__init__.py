"""dbt Python models and the estimators they call."""
