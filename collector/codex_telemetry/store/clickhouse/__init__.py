"""What many machines sent to one ClickHouse: its tables, and what reports ask of them."""
