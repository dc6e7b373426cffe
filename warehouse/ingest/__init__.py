"""What comes in: every UK Biobank export file is recognised, or refused by name, and landed as text Parquet."""
