"""What commands share: options, session selectors, exit codes and output streams."""
