"""A Sphinx extension that builds the site from the same Markdown files that GitHub shows.

- The navigation is the lists of links on docs/index.md, by section. Below a page are those in the folder of its name.
- Files of the repository's root that readers look for (the changelog and others) replace their pages in docs/.
- A link out of docs/ leads to that page, or to the repository that CI builds (`GITHUB_REPOSITORY`, `GITHUB_SHA`).
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
ROOT_FILES = {
    "README.md": "index",
    "CHANGELOG.md": "help/changelog",
    "SECURITY.md": "help/security_policy",
    "CONTRIBUTING.md": "contribute/contributing",
}
"""The page of each file of the root that is on the site."""

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ITEM = re.compile(r"^- \[[^]]+\]\(([\w/]+)\.md\)", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^]\n]*)\]\((?!https?:|mailto:|#|<)([^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^( *)(```+).*?^ *\2 *$", re.MULTILINE | re.DOTALL)


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", read_source)
    app.add_lexer("mermaid", TextLexer)  # GitHub draws it, the site shows its text
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read_source(_app: Any, page: str, source: list[str]) -> None:
    """Turn the Markdown of a page into that of the site."""
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    file = DOCS / f"{page}.md"
    for name, place in ROOT_FILES.items():
        if place == page != "index":
            file = ROOT / name
            source[0] = file.read_text(encoding="utf-8")
    text = with_site_links(source[0], file, page)
    trees = sections(text, pages) if page == "index" else {"": folder_of(page, pages)}
    source[0] = text + "".join(toctree(caption, listed) for caption, listed in trees.items() if listed)


def sections(index: str, pages: set[str]) -> dict[str, list[str]]:
    """Return the existing pages that the front page lists below each of its headings."""
    headings = list(_SECTION.finditer(index))
    ends = [each.start() for each in headings[1:]] + [len(index)]
    return {
        heading[1]: [page for page in _ITEM.findall(index[heading.end() : end]) if page in pages]
        for heading, end in zip(headings, ends, strict=True)
    }


def folder_of(page: str, pages: set[str]) -> list[str]:
    """Return the pages in the folder of a page, and in folders below it that have no page, as absolute names."""
    return [f"/{each}" for each in sorted(pages) if owner(each, pages) == page]


def owner(page: str, pages: set[str]) -> str | None:
    """Return the page that this one is below: that of a folder around it, FOLDER.md or FOLDER/index.md."""
    around = [str(each) for each in PurePosixPath(page).parents][:-1]
    found = (each for folder in around for each in (folder, f"{folder}/index") if each in pages and each != page)
    return next(found, None)


def toctree(caption: str, pages: list[str]) -> str:
    """Return the directive that puts pages into the navigation."""
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n" + "\n".join(["```{toctree}", *options, "", *pages, "```"]) + "\n"


def with_site_links(text: str, file: Path, page: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the Markdown of a file with the links out of docs/ leading to where they lead on the site.

    GitHub's variables in `environment` name the repository, for links to files that the site doesn't have.
    """

    def changed(link: re.Match[str]) -> str:
        words, path, anchor = link[1], link[2], link[3] or ""
        target = (file.parent / path).resolve()
        if target.is_relative_to(DOCS) and file.is_relative_to(DOCS):
            return link[0]
        address = site_address(target, page, environment)
        return f"[{words}]({address}{'' if address.endswith('index.md') else anchor})" if address else words

    return "".join(part if is_code else _LINK.sub(changed, part) for part, is_code in pieces(text))


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a Markdown text, and whether each is a fenced block."""
    end = 0
    for block in _FENCE.finditer(text):
        yield text[end : block.start()], False
        yield block[0], True
        end = block.end()
    yield text[end:], False


def site_address(target: Path, page: str, environment: Mapping[str, str]) -> str | None:
    """Return where a link of a page to a file of the repository leads; None if the site doesn't have it."""
    up = "../" * page.count("/")
    name = target.relative_to(ROOT).as_posix()
    if name in ROOT_FILES:
        return f"{up}{ROOT_FILES[name]}.md"
    if target.is_relative_to(DOCS):
        return up + target.relative_to(DOCS).as_posix()
    repository = environment.get("GITHUB_REPOSITORY")
    if not repository:
        return None
    kind = "tree" if target.is_dir() else "blob"
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    return f"{server}/{repository}/{kind}/{environment.get('GITHUB_SHA', 'main')}/{name}"
