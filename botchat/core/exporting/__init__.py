"""Exports sessions as Markdown, HTML, JSON, JSON Lines and tables."""
