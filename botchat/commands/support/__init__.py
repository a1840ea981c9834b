"""Shared by the commands: options, session selectors, exit codes and output streams."""
