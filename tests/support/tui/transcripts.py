"""A transcript under Textual's pilot, apart from the rest of the app."""

from datetime import UTC, datetime

from rich.console import Console
from rich.style import Style
from textual.app import App

from botchat.core.models import Message
from botchat.tui.markdown.style import PARTS, TranscriptStyle
from botchat.tui.markdown.wrapping import pad_rows
from botchat.tui.transcript.transcript import Transcript

SIZE = (80, 24)
TIME = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)

RICH = """# A heading

Words that are **bold**, *slanted* and `code`, with a [map](https://example.org/map) and https://a.example/b.

- one
- two
  1. inner
- [x] done

> said by others

```python
def cost(days: int) -> int:
    return days * 42  # in all
```

| where | far |
|---|---:|
| Tivoli | 42 |

***

The <b>end</b>.
"""


class TranscriptApp(App):
    """An app with only a transcript, which records the messages it posts."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def compose(self):
        yield Transcript()

    @property
    def transcript(self):
        return self.query_one(Transcript)

    def on_transcript_selected(self, event):
        self.noted.append(("selected", event.message.id))

    def on_transcript_new_below(self, event):
        self.noted.append(("below", event.count))

    def on_transcript_earlier_requested(self):
        self.noted.append("earlier")

    def on_transcript_link_opened(self, event):
        self.noted.append(("link", event.url))


def new_message(content, *, role="assistant", **about):
    return Message(role=role, content=content, create_time=TIME, **about)


def user_messages(count, *, begin=0):
    return [new_message(f"question {i}", role="user", id=f"q{i}") for i in range(begin, begin + count)]


def screen_rows(app):
    """Return the text of each row on the screen, without the bar of the selected message."""
    transcript = app.transcript
    return [transcript.render_line(y).text.rstrip()[2:] for y in range(transcript.size.height)]


async def until(pilot, condition):
    """Wait for a condition that must come true; the test's timeout ends the wait otherwise."""
    while not condition():
        await pilot.pause()


def look_of(width):
    """Return a style without colors."""
    return TranscriptStyle(Console(), width, Style(), dict.fromkeys(PARTS, Style()))


def rendered_rows(blocks, width=40):
    """Return the text of each row of blocks, without a screen."""
    look = look_of(width)
    return [row.strip.text for block in blocks for row in pad_rows(block.rows(look), look)]
