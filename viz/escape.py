"""Any text inside a picture, as it stands.

All text goes into HTML-like labels, where three readers take it apart in turn: the DOT parser's
angle brackets, an XML parser, and at last Graphviz's own escapes, which it expands there too (`\\N`
is the node's id). Nothing of a user's ever becomes an id, an attribute or a URL.
"""

from __future__ import annotations

import html
import unicodedata

# What turns the direction of the text that follows, and would scramble the picture around it.
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}
NO_BREAK = "\N{NO-BREAK SPACE}"


def text(words: str, longest: int = 48) -> str:
    """`words` for an HTML-like label, shortened in the middle.

    >>> text("<b> & \\\\N")
    '&lt;b&gt; &amp; \\\\\\\\N'
    >>> text("two\\nlines")
    'two↵lines'
    """
    shown = visible(words, longest) or NO_BREAK  # an empty cell is a syntax error
    return html.escape(shown).replace("\\", "\\\\")


def visible(words: str, longest: int) -> str:
    """Text in one line, shortened in the middle, and without what cannot be seen.

    >>> visible("two\\nlines", longest=48), visible("abcdefghij", longest=6)
    ('two↵lines', 'abcd…j')
    """
    if len(words) > longest:
        head = longest * 2 // 3
        words = f"{words[:head]}…{words[head + 1 - longest :]}"
    return "".join(map(_visible, words))


def room(words: str) -> str:
    """The spaces that `words` need beside them, since the renderer takes each non-ASCII
    character for a space, a quarter of an em wide.

    >>> len(room("abc")), len(room("∂ 1")), len(room("語"))
    (0, 1, 3)
    """
    return NO_BREAK * sum(map(_missing, words))


def _visible(character: str) -> str:
    if character == "\n":
        return "↵"
    kind = unicodedata.category(character)
    # Control characters, lone surrogates and non-characters are not allowed in XML.
    if kind in ("Cc", "Cs", "Cn") or ord(character) in _BIDI:
        return " " if character == "\t" else "\N{REPLACEMENT CHARACTER}"
    return character


def _missing(character: str) -> int:
    if character.isascii() or character in NO_BREAK + "·" or unicodedata.combining(character):
        return 0
    wide = unicodedata.east_asian_width(character) in "WF" or character in "…—↵"
    return 3 if wide else 1
