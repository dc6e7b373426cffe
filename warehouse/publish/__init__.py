"""What goes out: the published study file, its Parquet twins, and (a later room) the disclosure-controlled release."""
