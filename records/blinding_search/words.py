"""Text as words that can be compared: folded, with where each stands. Used by `matching`.

Folding takes away case, accents, ligatures, soft hyphens and look-alike letters; the stem takes
away plurals in English and Spanish. Both are applied to what is looked for and to what is read.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Characters that are there and not seen: soft hyphen, zero-width marks, byte order mark.
UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
# PDF readers give the hyphen at the end of a line as U+0002 or U+FFFE.
HYPHENS = "\\-\u00ad\u2010\u2011\u2012\u2013\u0002\ufffe"
# Letters of other alphabets that look like ours, as careless or hostile writers use them.
LIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0410\u0412\u0415\u041a\u041c\u041d\u041e"
    "\u0420\u0421\u0422\u0425\u03bf\u03b1\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f"
    "\u03a1\u03a4\u03a7\u0131",
    "aeopcxyiABEKMHOPCTXoaABEHIKMNOPTXi",
)
WORD = re.compile(rf"[^\W_](?:[^\W_]|[{UNSEEN}](?=[^\W_])|[\u0300-\u036f])*")
NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
BROKEN = re.compile(rf"[{HYPHENS}]\s*\n\s*|[\u0002\ufffe\u00ad]\s*")
# Begins where letters begin, or a long run of them would be tried from each of its letters.
HYPHENED = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}+(?:[-\u2010-\u2013][^\W\d_]{2,}+)+")
LONGEST, GAP = 100, 200  # letters of a word; characters that cut one apart
# Letters set apart, by one sign or the other; a wider gap ends the word.
SPACED = re.compile(
    r"(?<![^\W_])[^\W\d_](?P<gap>[ \t\u00a0\u2000-\u200a\u202f._*\u00b7-]{1,2})"
    r"[^\W\d_](?:(?P=gap)(?:[^\W\d_]|['\u2019](?=(?P=gap)))){2,}(?![^\W_])"
    # or by a blank now and then, as when each letter has a place of its own
    r"|(?<![^\W_])(?=(?:[^\W\d_]{1,3} ){0,8}[^\W\d_] [^\W\d_] )[^\W\d_]{1,3}"
    r"(?: [^\W\d_]{1,3}){3,}(?![^\W_])"
)
# Signs that travelled through an address, a web page or a mail: %C3%A1, &aacute;, =C3=A1.
CODED = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:=[0-9A-F]{2})+|&(?:#\d{1,6}|#x[0-9A-Fa-f]{1,5}|[A-Za-z]{2,8});"
    r"|\\u[0-9a-fA-F]{4}"
)


@dataclass(frozen=True, slots=True)
class Word:
    raw: str
    stem: str
    start: int
    end: int


@lru_cache(maxsize=50_000)
def folded(text: str) -> str:
    """Lower case without accents, ligatures, unseen and look-alike characters."""
    apart = unicodedata.normalize("NFKD", text.translate(LIKE).casefold())
    return "".join(c for c in apart if not unicodedata.combining(c) and c not in UNSEEN)


def as_plain_letters(raw: str) -> str:
    """The same letters, capitals kept, without unseen characters: for abbreviations."""
    if raw.isascii():
        return raw
    plain = unicodedata.normalize("NFKC", raw.translate(LIKE))
    return "".join(c for c in plain if c not in UNSEEN)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without its plural: biopsy and biopsies, lesión and lesiones, metastases."""
    word = folded(word)
    if not 4 <= len(word) <= LONGEST or not word.isalpha():
        return word
    word = word.removesuffix("s")
    while len(word) > 3 and word[-1] in "eiy":
        word = word[:-1]
    if word.endswith("z"):  # luz, luces
        word = word[:-1] + "c"
    if len(word) >= 7 and word[-1] in "ao":  # metastásico, metastásica
        word = word[:-1]
    return word


@lru_cache(maxsize=50_000)
def learned(word: str) -> str:
    """A stem as it sounds: leukaemia and leucemia, pneumonia and neumonía, oesophagus, linfoma.

    American, British and Spanish write the Greek of medicine differently, by rules.
    """
    if len(word) < 6 or not word.isalpha():
        return word
    for written, plain in SOUNDS:
        word = written.sub(plain, word)
    return word


SOUNDS = [
    (re.compile(written), plain)
    for written, plain in (
        ("ph", "f"), ("th", "t"), ("rh", "r"), ("ch|k|qu(?=[ei])", "c"), ("y", "i"),
        ("^es(?=[ptcfmnl])", "s"), ("^p(?=[nst])", ""), ("ae|oe", "e"), ("our$", "or"),
        (r"([bcdfglmnprst])\1", r"\1"), ("n(?=[fpb])", "m"), ("tion$|cion$", "cion"),
        ("(?<=[aio])tic$", "s"),  # stenotic, endometriotic: of stenosis, endometriosis
    )
]  # fmt: skip


def decoded(text: str) -> str:
    """The text with coded signs as themselves; what becomes shorter is filled, so places hold."""
    return CODED.sub(_decoded, text) if CODED.search(text) else text


def _decoded(m: re.Match[str]) -> str:
    coded = m.group()
    if coded[0] == "&":
        plain = html.unescape(coded)
    elif coded[0] == "\\":
        plain = chr(int(coded[2:], 16))
    else:
        plain = bytes.fromhex(coded.replace(coded[0], "")).decode("utf-8", "replace")
    if plain == coded or len(plain) > len(coded):
        return coded
    filler = "\u200b" if plain[-1:].isalnum() else " "
    return plain + filler * (len(coded) - len(plain))


def words_of(text: str) -> list[Word]:
    """The words of a text as they stand."""
    return [_word(text, m.start(), m.end()) for m in WORD.finditer(text)]


def _word(text: str, start: int, end: int, raw: str = "") -> Word:
    raw = raw or text[start:end]
    return Word(raw, stem(raw), start, end)


def joined_words_of(text: str) -> list[Word] | None:
    """The same with words put together that a line's end or spaced letters cut apart.

    None when nothing was cut: the second look would find what the first one found.
    """
    plain = words_of(text)
    joined: list[Word] = []
    cut, at = False, 0
    spaced = {m.start(): m.end() for m in SPACED.finditer(text)}
    while at < len(plain):
        word = plain[at]
        at += 1
        if word.start in spaced:
            end = spaced[word.start]
            while at < len(plain) and plain[at].end <= end:
                at += 1
            raw = re.sub(r"[\W_]", "", text[word.start : end])
            word, cut = _word(text, word.start, end, raw), True
        while at < len(plain) and _goes_on(text, word.end, plain[at].start):
            word = _word(text, word.start, plain[at].end, word.raw + plain[at].raw)
            cut, at = True, at + 1
        joined.append(word)
    return joined if cut else None


def _goes_on(text: str, end: int, start: int) -> bool:
    """Whether what stands between two words is no more than the break of a line in one word."""
    return start - end <= GAP and bool(BROKEN.fullmatch(text, end, start))


def hyphened_words_of(text: str) -> list[Word]:
    """Each word with hyphens as one without: "glio-blastoma". They are no neighbours."""
    return [
        _word(text, m.start(), m.end(), re.sub(r"[\W_]", "", m.group()))
        for m in HYPHENED.finditer(text)
    ]


def words_of_name(text: str) -> list[Word]:
    """Words of a file name: split at a change of case and between letters and digits as well."""
    found = []
    for m in WORD.finditer(text):
        for part in NAME_PARTS.finditer(m.group()):
            start = m.start() + part.start()
            found.append(_word(text, start, m.start() + part.end()))
    return found


def as_printed(word: str) -> str:
    """Letters that a reader of pictures takes for one another become one."""
    return (
        word.replace("rn", "m").replace("cl", "d").replace("vv", "w").replace("ii", "u")
        .replace("0", "o").replace("1", "l").replace("i", "l").replace("5", "s")
    )  # fmt: skip


def without_digits(word: str) -> str:
    """A word into which a reader of pictures put digits, with letters instead; else ""."""
    if len(word) < 5 or word.isalpha() or sum(map(str.isdigit, word)) * 3 > len(word):
        return ""
    plain = word.translate(DIGITS)
    return stem(plain) if plain.isalpha() else ""


DIGITS = str.maketrans("015", "ols")


def is_near(one: str, other: str, *, is_sure: bool = True) -> bool:
    """Whether two words differ by a slip: one letter from 7 letters on, two from 10 on.

    A slip is a letter too many, too few, wrong, or two of them swapped. The first letter holds.
    `is_sure`: the word was typed, or the text comes from a picture; else only one slip in a long
    word is forgiven.
    """
    shorter = min(len(one), len(other))
    if shorter < (6 if is_sure else 8) or one[0] != other[0]:
        return False
    most = 2 if shorter >= 9 and is_sure else 1
    if abs(len(one) - len(other)) > most or _slips(one, other, most) > most:
        return False
    same = next((n for n in range(shorter) if one[n] != other[n]), shorter)
    ends = one[same:], other[same:]
    # Another ending is another word, and no slip: endometrium, endometriosis.
    return min(map(len, ends)) < 2 or one[-1] == other[-1] or sorted(ends[0]) == sorted(ends[1])


def is_short_slip(one: str, other: str) -> bool:
    """One slip in a word of four or five letters: says enough beside another word only."""
    return (
        4 <= len(other) <= 5 <= len(one) + 1 and abs(len(one) - len(other)) <= 1
        and one != other and one[0] == other[0] and _slips(one, other, 1) <= 1
    )  # fmt: skip


def _slips(one: str, other: str, most: int) -> int:
    """Optimal string alignment distance, given up at `most` + 1."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            least = min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        if min(row) > most:
            return most + 1
        before, above = above, row
    return above[-1]
