"""Text as long as what people, models and tools say, in the form it has within JSON. The same each time."""

import random

CELL = 64
"""Characters of a piece that can stand by itself: text may be cut between two of them."""
CELLS = 1 << 15
LONGEST = 40_000
HUGE = (1 << 20, 4 << 20)

_WORDS = """the of return self value none file line test error import path class def str bytes for in
if else not None True result data read write open close build Zeile größer → run check key item""".split()
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Texts:
    """Gives text of any length, cut out of one long piece of it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._text = "".join(self._cell() for _ in range(CELLS))
        self._noise = "".join(chance.choices(_BASE64, k=CELL * 1024))

    def about(self, typical: int, spread: float = 1.1) -> str:
        """Of a typical length, most shorter, some much longer; now and then one of megabytes."""
        chance = self._chance
        if typical > 1000 and chance.random() < 1 / 8000:
            return self.of(chance.randint(*HUGE))
        return self.of(min(LONGEST, int(chance.lognormvariate(0, spread) * typical)))

    def of(self, length: int) -> str:
        cells = max(1, length // CELL)
        if cells > CELLS // 2:
            half = cells // 2
            return self.of(half * CELL) + self.of((cells - half) * CELL)
        start = self._chance.randrange(CELLS - cells) * CELL
        return self._text[start : start + cells * CELL]

    def sealed(self, typical: int) -> str:
        """What only the model's side can read: letters and digits."""
        length = min(LONGEST, int(self._chance.lognormvariate(0, 0.7) * typical))
        start = self._chance.randrange(CELL * 512)
        return self._noise[start : start + min(length, CELL * 512)]

    def _cell(self) -> str:
        """A line of it, in JSON: its end is two characters, as is a quotation mark within."""
        line = "    " * self._chance.randrange(4)
        while True:
            word = self._chance.choice(_WORDS)
            word = f'\\"{word}\\" ' if self._chance.random() < 0.08 else f"{word} "
            if len(line) + len(word) > CELL - 2:
                return line.ljust(CELL - 2) + "\\n"
            line += word
