"""Content by consent: what is kept, for whom, and how it goes away again."""
