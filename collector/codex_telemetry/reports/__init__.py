"""One file per question a person asks: rows in, rows out."""
