"""Configuration of Sphinx, which builds the docs site: `make docs`."""

import sys
from pathlib import Path

_DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(_DOCS.parent), str(_DOCS / "scripts")]

from botchat import __version__  # noqa: E402

project = "botchat"
author = "the botchat authors"
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx_copybutton", "site_pages"]
exclude_patterns = ["scripts/**"]
nitpicky = True

# Anchors of headings as on GitHub, so that a link works in both places.
myst_heading_anchors = 6
myst_links_external_new_tab = False

html_theme = "furo"
html_title = f"botchat {__version__}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

copybutton_exclude = ".linenos, .gp, .go"
html_static_path = ["_static"]
html_css_files = ["site.css"]
