"""Between marts and estimators: columns read as arrays, designs built from seed rows, estimates written as rows."""
