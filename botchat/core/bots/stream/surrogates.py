"""Joins surrogate pairs that a server split: one half ends a piece, the other half begins the next."""


class SurrogateJoiner:
    """Joins the pairs in one channel of text. Lone surrogates are unchanged.

    Attributes:
        half: the buffered first half of a pair; "" if there is none.
    """

    def __init__(self) -> None:
        self.half = ""

    def feed(self, text: str) -> str:
        """Return the next, non-empty piece after the buffered half; buffer a first half at its end."""
        if self.half:
            text, self.half = self.half + text, ""
            if "\udc00" <= text[1] <= "\udfff":
                text = text[:2].encode("utf-16", "surrogatepass").decode("utf-16") + text[2:]
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.half = text[:-1], text[-1]
        return text

    def end(self) -> str:
        """Return the buffered half, when no more pieces follow."""
        half, self.half = self.half, ""
        return half
