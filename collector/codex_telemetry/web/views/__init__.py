"""One module a view: what a report says, as the words its template shows."""
