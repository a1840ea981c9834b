"""Accuracy of topic detection on dialogues with known topics, compared with nltk's TextTiling.

The environment variable BOTCHAT_TOPICSEG names a folder with dialseg_*.json and tiage_*.json: lists of
{"utterances": [text], "segments": [number of utterances in each topic]}. The data are not part of this project.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import mean
from typing import Any

from measure import Row
from nltk.metrics.segmentation import pk, windowdiff
from nltk.tokenize.texttiling import TextTilingTokenizer

from botchat.core.context import topics
from botchat.core.models import Message

Detector = Callable[[Sequence[str]], list[int]]

_FOLDER = "BOTCHAT_TOPICSEG"
_PK, _F1 = 0.39, 0.55


def rows() -> Iterator[Row]:
    folder = os.environ.get(_FOLDER)
    if not folder:
        print(
            f"No data, skipping topics: set {_FOLDER} to the folder with the dialogues (see benchmarks/topics.py).",
            file=sys.stderr,
        )
        return
    for path in sorted(Path(folder).glob("*.json")):
        dialogues = json.loads(path.read_text(encoding="utf-8"))
        name, is_task = path.stem.partition("_")[0], path.stem.startswith("dialseg")
        # The detector's parameters were chosen on the first half of DialSeg711's part: the other half is the test.
        halves = {"first half": dialogues[: len(dialogues) // 2], "second half": dialogues[len(dialogues) // 2 :]}
        for half, some in (halves if is_task else {"all": dialogues}).items():
            tiling = _scores(some, _tiling)
            # In TIAGE two people talk: either may change the topic.
            ours = _scores(some, _online(lambda i, is_task=is_task: not is_task or i % 2 == 0))
            reached = (ours[0] <= _PK and ours[2] >= _F1) if is_task else None
            goal = f"Pk at most {_PK}, F1 at least {_F1}" if is_task else "-"
            what = f"topics of {name}, {half} ({len(some)}): Pk, WindowDiff, F1 vs. TextTiling"
            yield Row(what, _format_scores(ours), _format_scores(tiling), goal=goal, reached=reached)


def _online(may_turn: Callable[[int], bool]) -> Detector:
    def boundaries(utterances: Sequence[str]) -> list[int]:
        found = [0] * len(utterances)
        for i in filter(may_turn, range(1, len(utterances))):  # each is judged without knowing what follows
            heard = [Message(role="assistant", content=text) for text in utterances[:i]]
            new = Message(role="user", content=utterances[i])
            found[i] = int(new.id in topics.topic_starts([*heard, new]))
        return found

    return boundaries


def _tiling(utterances: Sequence[str]) -> list[int]:
    # Its own stop words would be a download.
    tokenizer = TextTilingTokenizer(w=10, k=6, stopwords=topics.STOP_WORDS)
    try:
        parts = tokenizer.tokenize("\n\n".join(utterances))
    except ValueError:  # the dialogue is too short
        return [0] * len(utterances)
    ends = set(accumulate(sum(bool(text.strip()) for text in part.split("\n\n")) for part in parts))
    return [int(i in ends) for i in range(len(utterances))]


def _scores(dialogues: Sequence[dict[str, Any]], detector: Detector) -> tuple[float, float, float]:
    """Score like SuperDialseg (EMNLP 2023): for each dialogue, then the mean."""
    scores = [_score(dialogue["segments"], detector(dialogue["utterances"])) for dialogue in dialogues]
    return tuple(mean(column) for column in zip(*scores, strict=True))  # type: ignore[return-value]


def _score(segments: Sequence[int], found: Sequence[int]) -> tuple[float, float, float]:
    begins = set(accumulate(segments[:-1]))
    known = [int(i in begins) for i in range(sum(segments))]
    k = max(2, round(len(known) / len(segments) / 2))
    # nltk has a boundary after an utterance.
    reference, hypothesis = ("".join(map(str, [*marks[1:], 0])) for marks in (known, found))
    hits = sum(a and b for a, b in zip(known, found, strict=True))
    f1 = 2 * hits / (sum(known) + sum(found)) if hits else 0.0
    return pk(reference, hypothesis, k), windowdiff(reference, hypothesis, k), f1


def _format_scores(scores: tuple[float, float, float]) -> str:
    return " / ".join(f"{score:.3f}" for score in scores)
