"""The command line: stdout is data, stderr is words, and every error is one line with an exit code."""
