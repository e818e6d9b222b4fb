"""Find phrases in a text and say where. Pure: no database, no Django; `terms` makes the phrases.

Case, accents, plurals, hyphens, line breaks and small words do not matter. A phrase of several
words is found in another order too, with up to two words between. Small misspellings are forgiven
in what was typed and in text that was read from a picture, one letter of a long word everywhere.
Abbreviations are whole words and no units of measure; `abbreviations` knows when they are meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from records.blinding_search.abbreviations import (
    TITLES,
    is_abbreviation,
    is_meant_small,
    small_key,
)
from records.blinding_search.shipped import is_ordinary, is_plain
from records.blinding_search.words import (
    Word,
    as_plain_letters,
    as_printed,
    decoded,
    folded,
    hyphened_words_of,
    is_near,
    is_short_slip,
    joined_words_of,
    learned,
    stem,
    without_digits,
    words_of,
    words_of_name,
)

SMALL = frozenset([
    "a", "an", "and", "at", "by", "for", "from", "in", "into", "is", "of", "on", "or", "the", "to",
    "with", "without", "al", "con", "de", "del", "el", "en", "es", "la", "las", "lo", "los", "o",
    "para", "por", "sin", "su", "un", "una", "y", "e", "s",
])  # fmt: skip
BETWEEN = 2  # words that may stand between those of a phrase
# A sentence or a paragraph ends; "St. Jude" and "Dr. Quimby" go on.
GAP = re.compile(r"(?<!\b(?:St|Dr|Mt|Ca|Sr))\.\s|[!?;:]\s|[\n\r]\s*[\n\r]")
DOTTED = re.compile(r"[^\W\d_](?:\. ?[^\W\d_])+")  # M.S.
GLUED = 9  # letters of a phrase that is looked for inside longer words too
SPREAD = 5  # the same where letters were set apart: the ends of words are lost there


@dataclass(frozen=True)
class Phrase:
    text: str  # as listed or typed: shown to the coordinator
    why: str  # a value of BlindingHit.Why
    because: str = ""  # what it is another word for
    is_typed: bool = False  # found with small misspellings
    is_short: bool = False  # an abbreviation: whole; in small letters where that is meant
    is_name: bool = False  # an ordinary word that is a name: only with a capital letter
    pattern: str = ""  # a regular expression instead of words: codes


@dataclass(frozen=True)
class Match:
    phrase: Phrase
    start: int
    end: int
    is_exact: bool


@dataclass(frozen=True)
class _Wanted:
    phrase: Phrase
    stems: tuple[str, ...]  # without small words
    may_differ: bool


class Finder:
    """All phrases of one case file, ready to look through any number of texts."""

    def __init__(self, phrases: Iterable[Phrase], everyday: dict[str, list[str]] | None = None):
        """`everyday`: set phrases in which a word means something else ("cold compress")."""
        self._patterns: list[tuple[re.Pattern[str], Phrase]] = []
        self._short: dict[str, list[tuple[int, Phrase]]] = defaultdict(list)
        self._small: dict[str, set[str]] = defaultdict(set)  # as typed in small letters
        self._by_anchor: dict[str, list[_Wanted]] = defaultdict(list)
        self._glued: list[tuple[str, Phrase]] = []
        self._near: dict[tuple[str, bool], list[str]] = {}
        self._learned: dict[str, set[str]] = defaultdict(set)
        self._printed: dict[str, set[str]] = defaultdict(set)
        self._vocabulary: dict[str, bool] = {}  # stem -> whether slips are forgiven everywhere
        self._everyday = {
            stem(word): [[part.stem for part in words_of(phrase)] for phrase in usual]
            for word, usual in (everyday or {}).items()
        }
        for phrase in phrases:
            self._take(phrase)

    def _take(self, phrase: Phrase) -> None:
        if phrase.pattern:
            self._patterns.append((re.compile(phrase.pattern), phrase))
            return
        if phrase.is_short:
            pieces = re.findall(r"[^\W_]+", phrase.text)
            key = "".join(pieces)
            self._short[key].append((len(pieces), phrase))
            self._small[small_key(key)].add(key)
            return
        words = [word.stem for word in words_of(phrase.text)]
        stems = tuple(word for word in words if word not in SMALL) or tuple(words)
        if not stems:
            return
        anchor = max(stems, key=len)
        self._by_anchor[anchor].append(_Wanted(phrase, stems, len(stems) > 1))
        for word in stems:
            self._vocabulary[word] = self._vocabulary.get(word, False) or phrase.is_typed
            self._learned[learned(word)].add(word)
            self._printed[as_printed(word)].add(word)
        glued = "".join(folded(word.raw) for word in words_of(phrase.text))
        if len(glued) >= SPREAD:
            self._glued.append((glued, phrase))

    def find(self, text: str, *, is_read: bool = False, is_name: bool = False) -> list[Match]:
        """Every place in `text`, longest first where several overlap, in order of reading.

        `is_read`: the text was read from a picture. `is_name`: it is the name of a file.
        """
        text, found = decoded(text), []
        looks = [words_of_name(text), words_of(text)] if is_name else [words_of(text)]
        joined = joined_words_of(text)
        if joined:
            looks.append(joined)
        looks += [[word] for word in hyphened_words_of(text)]
        for words in looks:
            found += self._in_words(text, words, is_read=is_read, is_name=is_name)
        for pattern, phrase in self._patterns:
            found += [Match(phrase, m.start(), m.end(), True) for m in pattern.finditer(text)]
        found += self._inside_longer(text, words_of(text) + (joined or []), is_name=is_name)
        return _best(found)

    # --- words -----------------------------------------------------------------------------
    def _in_words(
        self, text: str, words: list[Word], *, is_read: bool, is_name: bool
    ) -> list[Match]:
        known = [self._known(word.stem, is_read) for word in words]
        found = []
        for at, stems in enumerate(known):
            for anchor in stems:
                for wanted in self._by_anchor.get(anchor, ()):
                    match = self._around(text, words, known, at, wanted, anchor)
                    if match and (is_name or self._is_meant(text, words, at, match)):
                        found.append(match)
        return found + self._abbreviations(text, words, is_name=is_name)

    def _known(self, word: str, is_read: bool) -> list[str]:
        """The stems of phrases that this word is, or is a slip of."""
        key = (word, is_read)
        if key not in self._near:
            near = [word] if word in self._vocabulary else []
            near += sorted(self._learned.get(learned(word), set()) - {word})
            if len(word) >= 6:
                is_ordinary = is_plain(word)  # an infection is no misspelt injection
                near += [
                    other for other, is_typed in self._vocabulary.items()
                    if other[0] == word[0] and other not in near
                    and (is_typed or is_read or not is_ordinary)
                    and is_near(word, other, is_sure=is_typed or is_read)
                ]  # fmt: skip
            # Reading by machine elsewhere leaves its traces in text layers: "carc1noma", "rnass".
            if (is_read or len(word) >= 8) and (plain := as_printed(word)) != word:
                near += [
                    other for other in sorted(self._printed.get(plain, ()))
                    if len(other) > 3 and other not in near
                ]  # fmt: skip
            if (letters := without_digits(word)) and letters != word:
                near += [other for other in self._known(letters, is_read) if other not in near]
            self._near[key] = near
        return self._near[key]

    def _around(
        self, text: str, words: list[Word], known: list[list[str]], at: int, wanted: _Wanted,
        anchor: str,
    ) -> Match | None:  # fmt: skip
        """The words of the phrase close to the anchor at `at`, within its sentence."""
        rest = list(wanted.stems)
        rest.remove(anchor)
        taken = {at}
        left_over = BETWEEN
        first, last = at, at
        while rest and left_over >= 0:
            step = self._next(text, words, known, first, last, rest, wanted.phrase.is_typed)
            if step is None:
                return None
            place, stem_found, skipped = step
            left_over -= skipped
            rest.remove(stem_found)
            taken.add(place)
            first, last = min(first, place), max(last, place)
        if rest or left_over < 0:
            return None
        places = sorted(taken)
        in_order = all(
            stem_of in known[place] for stem_of, place in zip(wanted.stems, places, strict=True)
        )
        if not in_order and not all(map(partial(_is_linked, text, words), places, places[1:])):
            return None
        as_listed = [words[place].stem for place in places] == list(wanted.stems)
        is_exact = as_listed and last - first - len(taken) < 3
        return Match(wanted.phrase, words[first].start, words[last].end, is_exact)

    def _next(
        self, text: str, words: list[Word], known: list[list[str]], first: int, last: int,
        rest: list[str], is_typed: bool,
    ) -> tuple[int, str, int] | None:  # fmt: skip
        """The nearest wanted word on either side: its place, which it is, words passed over."""
        for distance in range(1, BETWEEN + 4):
            for place in (last + distance, first - distance):
                if not 0 <= place < len(words):
                    continue
                for wanted in rest:
                    if wanted in known[place] or (
                        is_typed and is_short_slip(words[place].stem, wanted)
                    ):
                        low, high = (last, place) if place > last else (place, first)
                        if GAP.search(text, words[low].end, words[high].start):
                            continue
                        passed = words[low + 1 : high]
                        return place, wanted, sum(word.stem not in SMALL for word in passed)
        return None

    def _abbreviations(self, text: str, words: list[Word], *, is_name: bool) -> list[Match]:
        found = []
        for at, word in enumerate(words):
            for size in (1, 2, 3, 4):
                part = words[at : at + size]
                if len(part) < size or part[-1].end - word.start > 24:
                    break
                between = text[word.start : part[-1].end]
                is_dotted = size > 1 and bool(DOTTED.fullmatch(between))
                if size > 1 and not is_dotted and not re.fullmatch(r"[^\s.!?;]+", between):
                    break
                raw = as_plain_letters("".join(piece.raw for piece in part))
                for key in self._keys_of(text, raw, part, is_name=is_name):
                    for pieces, phrase in self._short[key]:
                        # "AC-T" is not "ACT"; long ones are the same however they are cut
                        is_whole = pieces == size or len(key) > 4 or (is_dotted and pieces == 1)
                        if is_whole:
                            found.append(Match(phrase, word.start, part[-1].end, True))
        return found

    def _keys_of(self, text: str, raw: str, part: list[Word], *, is_name: bool) -> set[str]:
        """The abbreviations that these letters are meant as."""
        key = raw if raw in self._short else raw.upper() if is_name else ""
        if not key and raw.endswith("s") and raw[:-1] in self._short and len(raw) > 3:
            key = raw[:-1]  # IDCs
        if key in self._short:
            return {key} if is_abbreviation(text, part) else set()
        low = raw.lower()
        keys = self._small.get(low) or (len(low) > 3 and self._small.get(low.removesuffix("s")))
        return keys if low and keys and is_meant_small(text, part) else set()

    # --- whether it is meant ---------------------------------------------------------------
    def _is_meant(self, text: str, words: list[Word], at: int, match: Match) -> bool:
        word = words[at]
        if match.phrase.is_name and not _is_a_name(text, words, at):
            return False
        usual = self._everyday.get(word.stem)
        if not usual or match.end - match.start > len(word.raw):
            return True
        return not any(_stands_in(words, at, phrase) for phrase in usual)

    def _inside_longer(self, text: str, words: list[Word], *, is_name: bool) -> list[Match]:
        """Phrases whose spaces are gone: "breastcancer.pdf", a layer without blanks."""
        found = []
        pieces = [Word(text, "", 0, len(text))] if is_name else words
        for word in pieces:
            span = word.end - word.start
            least = SPREAD if span > 1.7 * len(word.raw) else GLUED
            if len(word.raw) < least:
                continue
            flat, places = _flat(word)
            for glued, phrase in self._glued:
                at = flat.find(glued) if len(glued) >= least else -1
                if at >= 0 and (is_name or len(glued) < len(flat) or " " in phrase.text):
                    start, end = places[at], places[at + len(glued) - 1] + 1
                    if len(word.raw) != span:  # put together from pieces
                        start, end = word.start, word.end
                    found.append(Match(phrase, start, end, False))
        return found


def _is_linked(text: str, words: list[Word], low: int, high: int) -> bool:
    """In another order words belong together side by side, or by "of" or a comma between them."""
    between = words[low + 1 : high]
    if all(word.stem in SMALL for word in between):
        return True
    gap = text[words[low].end : words[high].start]
    return "," in gap or any(folded(word.raw) in LINKS for word in between)


LINKS = frozenset(["of", "in", "de", "del", "en"])


def _stands_in(words: list[Word], at: int, phrase: list[str]) -> bool:
    """Whether the word at `at` is part of this set phrase."""
    size = len(phrase)
    for start in range(max(0, at - size + 1), at + 1):
        if [word.stem for word in words[start : start + size]] == phrase:
            return True
    return False


def _flat(word: Word) -> tuple[str, list[int]]:
    """Letters and digits alone, folded, and where in the text each comes from."""
    letters, places = [], []
    for at, character in enumerate(word.raw, word.start):
        for letter in folded(character):
            if letter.isalnum():
                letters.append(letter)
                places.append(at)
    return "".join(letters), places


def _is_a_name(text: str, words: list[Word], at: int) -> bool:
    """Written with a capital where no sentence begins, or after a title."""
    word = words[at]
    before = folded(words[at - 1].raw) if at else ""
    if before in TITLES:
        return True
    if not word.raw[0].isupper():
        return False
    if not is_ordinary(word.raw):
        return True  # "Castellane" only resembles "castellano"
    start = text[max(0, word.start - 3) : word.start].rstrip(" ")
    begins = not start or start[-1] in ".!?:\n"
    if not begins or word.raw.isupper():
        return True
    line = text[text.rfind("\n", 0, word.start) + 1 :].partition("\n")[0]
    return len(line.split()) <= 3  # a name that stands alone: a field, a heading


def _best(found: list[Match]) -> list[Match]:
    """One match a place: the longest, then exact before not exact; in order of reading."""
    chosen: list[Match] = []
    for match in sorted(found, key=lambda m: (m.start - m.end, not m.is_exact, m.start)):
        if not any(match.start < kept.end and kept.start < match.end for kept in chosen):
            chosen.append(match)
    return sorted(chosen, key=lambda m: m.start)
