"""Markdown of users and bots on the page: escaped, with limits for formulas and images."""
