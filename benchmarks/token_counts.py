"""Accuracy of predicted prompt tokens, for servers with very different tokenizers."""

import random
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

import toktok
from measure import Row

from botchat.core.context import RESERVED_FRACTION
from botchat.core.context.token_count import count_tokens, estimate_tokens
from botchat.core.models import BotInfo, Message

Count = Callable[[str], int]

_ROOT = Path(__file__).resolve().parent.parent
_HANZI = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天"
)
_TURNS, _CONVERSATIONS = 20, 25
_FRAME, _FRAMES = 4, 20
_KNOWN = 2  # replies before predictions are compared
_BOT = BotInfo(bot_id="b", label="b")


def rows() -> Iterator[Row]:
    """Compare predictions with what a server counts, from its second reply on."""
    chance = random.Random(8)
    for kind, make in _texts(chance).items():
        said = [[make() for _ in range(2 * _TURNS)] for _ in range(_CONVERSATIONS)]
        for name, count in _counters().items():
            raw, ours = _errors(said, count)
            low, high = ours
            is_meant = name != "one token per word" or kind in {"English", "Python"}
            yield Row(
                f"tokens of {kind}, {name}: predicted / counted, p5 to p95",
                f"{low:.2f} to {high:.2f}",
                f"{raw[0]:.2f} to {raw[1]:.2f}",
                goal="0.90 to 1.10" if is_meant else "-",
                reached=(low >= 1 - RESERVED_FRACTION and high <= 1 + RESERVED_FRACTION) if is_meant else None,
            )


def _counters() -> dict[str, Count]:
    def of(encoding: str) -> Count:
        return lambda text: int(toktok.batch_count([text], encoding, 1)[0])

    return {
        "o200k_base": of("o200k_base"),
        "cl100k_base": of("cl100k_base"),
        "qwen3.5": of("qwen3.5"),
        "one token per byte": lambda text: len(text.encode()),
        "one token per character": len,
        "one token per word": lambda text: len(re.findall(r"\w+|[^\w\s]", text)),
    }


def _texts(chance: random.Random) -> dict[str, Callable[[], str]]:
    english = [line for path in _ROOT.glob("*.md") for line in path.read_text(encoding="utf-8").split(". ") if line]
    python = [path.read_text(encoding="utf-8").splitlines() for path in sorted((_ROOT / "botchat").rglob("*.py"))]

    def code() -> str:
        lines = chance.choice([lines for lines in python if len(lines) > 1])
        start = chance.randrange(len(lines) - 1)
        return "\n".join(lines[start : start + chance.randint(2, 30)])

    def chinese() -> str:
        return "".join(chance.choice(_HANZI) for _ in range(chance.randint(3, 150)))

    kinds = {"English": lambda: chance.choice(english), "Python": code, "Chinese": chinese}

    def any_of_them() -> str:
        return chance.choice([*kinds.values()])()

    return kinds | {"all three, mixed": any_of_them}


def _errors(said: list[list[str]], count: Count) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the p5 and p95 of predicted / counted: of the bare estimate, and of the corrected one."""
    raw, ours = [], []
    for texts in said:
        messages: list[Message] = []
        tokens = _FRAMES
        for question, answer in list(pairwise(texts))[::2]:
            messages.append(Message(role="user", content=question))
            tokens += count(question) + _FRAME
            if len(messages) > 2 * _KNOWN:
                predicted = count_tokens(_BOT, "", messages)
                ours.append((predicted.base + sum(predicted.messages)) / tokens)
                raw.append(sum(estimate_tokens(message.content) for message in messages) / tokens)
            usage = {"prompt_tokens": tokens, "completion_tokens": count(answer)}
            messages.append(Message(role="assistant", content=answer, usage=usage))
            tokens += count(answer) + _FRAME
    return _p5_and_p95(raw), _p5_and_p95(ours)


def _p5_and_p95(values: list[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=20)
    return cuts[0], cuts[-1]
