"""Renders Markdown as rows of a terminal."""
