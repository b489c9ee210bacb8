"""Which law a text says it is governed by: places whose law a clause names.

"... shall be governed by and construed in accordance with the laws of the State of Nevada": a place counts where the word "law"
stands shortly before it, in a sentence that governs, construes or applies. The places are those whose law contracts name: the
states of the USA, the provinces of Canada, countries and their parts. Where no
place of the list is named, a name right after "law of" is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.wording import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from breakeven.alignment.compiled.proposals import Proposals

_STATES = """
Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware District_of_Columbia Florida Georgia Guam Hawaii
Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri
Montana Nebraska Nevada New_Hampshire New_Jersey New_Mexico New_York North_Carolina North_Dakota Ohio Oklahoma Oregon
Pennsylvania Puerto_Rico Rhode_Island South_Carolina South_Dakota Tennessee Texas Utah Vermont Virginia Washington
West_Virginia Wisconsin Wyoming
"""
_PROVINCES = """
Alberta British_Columbia Manitoba New_Brunswick Newfoundland Nova_Scotia Ontario Prince_Edward_Island Quebec Saskatchewan
"""
_COUNTRIES = """
Argentina Australia Austria Bahamas Bahrain Bangladesh Barbados Belgium Belize Bermuda Bolivia Brazil British_Virgin_Islands
Bulgaria Canada Cayman_Islands Chile China People's_Republic_of_China Colombia Costa_Rica Croatia Cyprus Czech_Republic
Denmark Dominican_Republic Ecuador Egypt Estonia Finland France Germany Ghana Gibraltar Greece Guatemala Guernsey Hong_Kong
Hungary Iceland India Indonesia Ireland Isle_of_Man Israel Italy Jamaica Japan Jersey Jordan Kazakhstan Kenya Korea Kuwait
Latvia Lebanon Liechtenstein Lithuania Luxembourg Macau Malaysia Malta Marshall_Islands Mauritius Mexico Monaco Morocco
Netherlands New_Zealand Nigeria Norway Oman Pakistan Panama Paraguay Peru Philippines Poland Portugal Qatar Romania Russia
Russian_Federation Saudi_Arabia Serbia Singapore Slovakia Slovenia South_Africa Spain Sri_Lanka Sweden Switzerland Taiwan
Thailand Tunisia Turkey Ukraine United_Arab_Emirates Uruguay Venezuela Vietnam
"""
_WITHIN = """
England Wales Scotland Northern_Ireland England_and_Wales Great_Britain United_Kingdom United_States United_States_of_America
"""


def _places() -> dict[str, tuple[str, str]]:
    """Every place by its folded name: how it is written, and what kind of place it is."""
    kinds = {"state": _STATES, "province": _PROVINCES, "country": _COUNTRIES, "part or union of countries": _WITHIN}
    named = [(name.replace("_", " "), kind) for kind, names in kinds.items() for name in names.split()]
    return {folded(name): (name, kind) for name, kind in named}


_PLACES = _places()
_NAME = "|".join(
    re.escape(name).replace(r"\ ", r"\s+").replace("'", "['\N{RIGHT SINGLE QUOTATION MARK}]")
    for name, _ in sorted(_PLACES.values(), key=lambda place: -len(place[0]))
)
_LAW = re.compile(r"\blaws?\b", re.IGNORECASE)
_NAMED = re.compile(rf"[^.;]{{0,80}}?\s(?P<place>{_NAME})\b", re.IGNORECASE)
_UNLISTED = re.compile(
    r"\s+of\s+(?:the\s+)?(?:(?:State|Province|Commonwealth|Republic|Kingdom)\s+of\s+)?(?:the\s+)?"
    r"(?P<place>[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,2})\b"
)
_SENTENCE = re.compile(r"[.;]\s")
_GOVERNED = re.compile(r"\b(?:govern|constru|interpret)", re.IGNORECASE)
_APPLIES = re.compile(r"\b(?:(?:shall|will)\s+(?:govern|apply|control)|applies|governs)\b", re.IGNORECASE)
_BEFORE, _AFTER = 220, 120
_MANY = 3
_NEXT = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Named:
    """One clause that names a law: its place as usually written, the kind of place, how the clause says so, and what follows."""

    place: str
    kind: str
    said: str
    following: tuple[str, ...]


def laws(text: str) -> list[Named]:
    """Every clause of this text that names the law it is under, in order."""
    return list(_laws(text, _NAMED)) or list(_laws(text, _UNLISTED))


def _laws(text: str, pattern: re.Pattern[str]) -> Iterator[Named]:
    for law in _LAW.finditer(text):
        found = pattern.match(text, law.end())
        if found is None or not found["place"][0].isupper():
            continue
        before = _SENTENCE.split(text[max(0, law.start() - _BEFORE) : law.start()])[-1]
        after = _SENTENCE.split(text[found.end() : found.end() + _AFTER])[0]
        said = "governed by" if _GOVERNED.search(before) else "applies" if _APPLIES.search(after) else ""
        if said:
            place, kind = _PLACES.get(folded(found["place"]), (found["place"], "place of no list"))
            yield Named(place, kind, said, tuple(word.casefold() for word in _NEXT.findall(after)[:2]))


def propose_laws(text: str, into: Proposals) -> None:
    """Add every place whose law a clause names, with how it is named and whether all clauses name the same."""
    found = laws(text)
    times = Counter(one.place for one in found)
    for one in found:
        into.at(one.place).extend(_evidence(one, times))


def _evidence(one: Named, times: Counter[str]) -> Sequence[str]:
    """What one clause says for its place, beside what all clauses say."""
    share = (
        "no clause names another law" if len(times) == 1 else f"law, in {min(_MANY, times[one.place])} clauses, others in others"
    )
    return [
        share,
        f"law of a {one.kind}",
        f"law, {one.said}",
        f"law & then {' '.join(one.following[:1])}",
        f"law & then {' '.join(one.following)}",
    ]
