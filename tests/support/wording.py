"""Turns of phrase that a native reader has to translate back, and every text of the project that could have one."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

FOLDERS = ("botchat", "docs", "examples", "benchmarks", "deploy", ".github")
SUFFIXES = {".py", ".md", ".js", ".toml", ".yaml", ".yml", ".conf", ".service"}


@dataclass(frozen=True)
class Turn:
    """A turn of phrase that no text may use.

    Attributes:
        pattern: a regular expression; case is ignored, and white space of a text is one space.
        example: a text with the turn.
        instead: the same in the terms of the field.
    """

    pattern: str
    example: str
    instead: str

    def find(self, text: str) -> Iterator[str]:
        """Yield each place of a text that has the turn, with the words around it."""
        text = re.sub(r"\s+", " ", text)
        for match in re.finditer(self.pattern, text, re.IGNORECASE):
            yield text[max(0, match.start() - 40) : match.end() + 40]


TURNS = (
    Turn(r"\bfor ?ever\b", "deleted for ever", "permanently deleted"),
    Turn(
        r"(?<!there )(?<!there's )\b(?:is|are|was|were) no (?!longer|more|less|one\b|other|better)",
        "a file that is no TOML",
        "not valid TOML",
    ),
    Turn(r"\b(?:here|that|which|it) (?:is|are) none\b", "a key that is none", "an unknown key"),
    Turn(r"(?:^|[.] |\bfor |\bby )who \w+\b(?![^.?]*\?)", "Who is new gets an account.", "New users get an account."),
    Turn(r"\bwhoever\b", "whoever can reach it", "anyone who can reach it"),
    Turn(
        r"(?<!INDEX )\b(?:no|every|some)body(?:'s)?\b", "nobody has signed in", "not signed in; all users; another user"
    ),
    Turn(
        r"\bwhat (?:came|comes|(?:is|was) said|stands|went|waits|is there)\b(?![^.]*\?)",
        "keep what came until then",
        "keep the partial reply",
    ),
    Turn(
        r"\bstands? (?:above|below|there|here|in)\b|\bas (?:it|they) stands?\b",
        "what stands above",
        "the messages above",
    ),
    Turn(r"\bin all(?=[,.;:)]|$)", "504 in all", "504 total"),
    Turn(r"\bby hand\b", "written by hand", "handwritten, manually"),
    Turn(r"\btaken in\b", "3 sessions taken in", "3 sessions imported"),
    Turn(r"\b(?:go|goes|gone) on\b|\bgoing on (?:with|in|from)\b", "goes on with the session", "continues the session"),
    Turn(r"\bin the place of\b", "in the place of a message", "instead of a message; replaces a message"),
    Turn(r"\bcan't be (?:had|taken)\b", "Port 8501 can't be had.", "Port 8501 is unavailable."),
    Turn(r"\bif not (?:said|given)\b", "the shell if not said", "default: the current shell"),
    Turn(r"\bsigns? of life\b", "gave no sign of life", "didn't respond"),
    Turn(r"\bonce more\b", "press it once more", "press it again"),
    Turn(
        r"(?<!within )(?<!than )(?<!for )(?<!after )\ba day\b(?! (?:so|that|in|of|with|ago|later))",
        "messages a day",
        "messages per day",
    ),
    Turn(r"\b(?:half|95)\b[^.]{0,12} within\b", "half within 2 s", "median 2 s"),
    Turn(r"\bproblem of its own\b", "has a problem of its own", "server error"),
    Turn(r"\bbroke off\b|\bbroken off\b", "the connection broke off", "the connection was lost"),
    Turn(
        r"\b(?:is|are) (?:shown|told)\b(?= (?:nothing|what|before))|\bis told\b", "the bot is told", "sent to the bot"
    ),
    Turn(r"\bunder ?way\b", "a reply under way", "a reply in progress"),
    Turn(r"\bsummed up\b", "messages are summed up", "messages are summarized"),
    Turn(r"\bas you wished\b", "as you wished", "as requested"),
    Turn(r"\btells? whether\b", "Tell whether it is open.", "Return whether it is open."),
    Turn(r"\bany more(?=[,.;:)]|$)", "It does not fit any more.", "It no longer fits."),
    Turn(r"\bso long\b(?! as)", "not used for so long", "not used for that long"),
    Turn(r"\bof yours\b", "a message of yours", "your message"),
    Turn(r"\bthere already\b", "130 there already", "130 already present"),
    Turn(r"\blook(?:s|ing)? after\b", "who looks after a store", "administrators of a store"),
    Turn(r"\btakes? it back\b", "--undo takes it back", "--undo reverts it"),
    Turn(r"\berror that says so\b", "an error that says so", "a clear error"),
    Turn(r"\bsay (?:`|--|\d|\w+ ?=)", "say 90d or 12h", "use 90d or 12h"),
    Turn(r"\bas (?:it|they) (?:is|are|was|were)(?=[,.;:)]|$)", "sent as they are", "sent unchanged"),
    Turn(r"\bcan't be (?:gone|brought)\b", "can't be brought back", "this can't be undone"),
    Turn(
        r"\w*(?:licence|colour|behaviour|favourite|recognis|organis[ei]|normalis|serialis|summaris)\w*",
        "coloured",
        "colored",
    ),
    Turn(r"\bnames? that (?:is|are) none\b|\bof that name\b", "no user of that name", "no matching users"),
)


@dataclass(frozen=True)
class Finding:
    """A text that uses a turn: where it is, what it says there, and what would be better."""

    place: str
    excerpt: str
    turn: Turn

    def __str__(self) -> str:
        return f"{self.place}: …{self.excerpt}… (write: {self.turn.instead})"


def find_turns(root: Path = ROOT) -> list[Finding]:
    """Find every turn in the texts of a copy of the project."""
    return [
        Finding(f"{path.relative_to(root)}:{line}", excerpt, turn)
        for path in _files(root)
        for line, text in read_texts(path)
        for turn in TURNS
        for excerpt in turn.find(text)
    ]


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text): of Python the strings and comments, of other files each paragraph or line."""
    source = path.read_text()
    if path.suffix == ".py":
        yield from _strings(ast.parse(source))
        yield from _comments(source)
        return
    line = 1
    for paragraph in re.split(r"(\n\s*\n)", source):
        yield line, paragraph
        line += paragraph.count("\n")


def _files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in root.glob("*.*") if path.suffix in SUFFIXES)
    for folder in FOLDERS:
        yield from sorted(path for path in (root / folder).rglob("*") if path.suffix in SUFFIXES)


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.update(map(id, node.values))
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in parts
            and " " in node.value
        ):
            yield node.lineno, node.value


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments; lines of comment below one another are one text."""
    first, lines, last = 0, list[str](), 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start[0] != last + 1:
            yield first, " ".join(lines)
            lines = []
        first = first if lines else token.start[0]
        lines.append(token.string.lstrip("# "))
        last = token.start[0]
    if lines:
        yield first, " ".join(lines)
