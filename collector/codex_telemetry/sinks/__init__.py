"""Where the rows go besides the reports: what others' programs read."""
