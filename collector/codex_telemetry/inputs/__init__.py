"""Where bytes come from. No input knows a format or the store."""
