"""One module per stretch of the data's path: sources, transform, audits, publication."""
