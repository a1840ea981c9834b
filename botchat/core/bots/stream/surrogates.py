"""Joins characters that a server cut in two: half of a surrogate pair ends a piece, the other half begins the next."""


class SurrogateJoiner:
    """Joins the halves in one channel of text. Halves that find no other half stay as they are.

    Attributes:
        half: the first half that waits for its other one; "" if none does.
    """

    def __init__(self) -> None:
        self.half = ""

    def feed(self, text: str) -> str:
        """Take the next piece, which is not empty; return it with what was held back, without half a character."""
        if self.half:
            text, self.half = self.half + text, ""
            if "\udc00" <= text[1] <= "\udfff":
                text = text[:2].encode("utf-16", "surrogatepass").decode("utf-16") + text[2:]
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.half = text[:-1], text[-1]
        return text

    def end(self) -> str:
        """Return what is held back: no more is coming to complete it."""
        half, self.half = self.half, ""
        return half
