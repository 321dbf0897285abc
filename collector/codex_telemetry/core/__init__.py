"""What is known and how it is joined. No I/O, no clock."""
