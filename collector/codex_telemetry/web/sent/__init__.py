"""Pages to send to someone: each is one file, and needs nothing but itself."""
