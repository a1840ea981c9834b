"""The commands, one module per command or group: data on stdout, messages on stderr, errors in one line."""
