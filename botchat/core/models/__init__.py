"""Sessions, messages and the other records as plain data, and the rules for their values."""
