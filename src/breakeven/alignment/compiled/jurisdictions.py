"""Which law a text says it is governed by: places whose law a clause names.

"... shall be governed by and construed in accordance with the laws of the State of Nevada": a place counts where the word "law"
stands shortly before it ("English law": right after it), in a sentence that governs, construes or applies. The places are those
whose law contracts name: the states of the USA, the provinces of Canada, countries and their parts. A province whose clause names
Canada's law as well is named with it; the law of the United States beside a state's is everybody's and names nothing. Where no
clause governs, one that decides by a law counts; where no place of the list is named, a name right after "law of" is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.wording import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
_ADJECTIVES = {
    "American": "United States", "Australian": "Australia", "Austrian": "Austria", "Belgian": "Belgium", "Brazilian": "Brazil",
    "Canadian": "Canada", "Colombian": "Colombia", "Danish": "Denmark", "Dutch": "Netherlands", "English": "England",
    "Finnish": "Finland", "French": "France", "German": "Germany", "Greek": "Greece", "Indian": "India", "Irish": "Ireland",
    "Israeli": "Israel", "Italian": "Italy", "Japanese": "Japan", "Korean": "Korea", "Mexican": "Mexico", "Norwegian": "Norway",
    "Polish": "Poland", "Portuguese": "Portugal", "Russian": "Russia", "Scots": "Scotland", "Scottish": "Scotland",
    "Spanish": "Spain", "Swedish": "Sweden", "Swiss": "Switzerland", "Turkish": "Turkey",
}  # fmt: skip
_SHORT = {"PRC": "People's Republic of China", "P.R.C.": "People's Republic of China", "USA": "United States"}
_WITHIN = """
England Wales Scotland Northern_Ireland England_and_Wales Great_Britain United_Kingdom United_States United_States_of_America
"""


def _places() -> dict[str, tuple[str, str]]:
    """Every place by its folded name: how it is written, and what kind of place it is."""
    kinds = {"state": _STATES, "province": _PROVINCES, "country": _COUNTRIES, "part or union of countries": _WITHIN}
    named = [(name.replace("_", " "), kind) for kind, names in kinds.items() for name in names.split()]
    places = {folded(name): (name, kind) for name, kind in named}
    return places | {folded(short): places[folded(name)] for short, name in (_ADJECTIVES | _SHORT).items()}


_PLACES = _places()


def _any_of(names: Iterable[str]) -> str:
    """A pattern of these names, the longest first."""
    written = (re.escape(name).replace(r"\ ", r"\s+") for name in sorted(names, key=lambda name: (-len(name), name)))
    return "|".join(written).replace("'", "['\N{RIGHT SINGLE QUOTATION MARK}]")


_PROPER = {name for name, _ in _PLACES.values()}
_NAME = _any_of(_PROPER | _SHORT.keys())
_BEFORE_LAW = re.compile(rf"\b(?P<place>{_any_of(_PROPER | _SHORT.keys() | _ADJECTIVES.keys())})\s+[Ll]aws?\b")
_LAW = re.compile(r"\blaws?\b", re.IGNORECASE)
_NAMED = re.compile(rf"[^.;]{{0,80}}?\s(?P<place>{_NAME})\b", re.IGNORECASE)
_UNLISTED = re.compile(
    r"\s+of\s+(?:the\s+)?(?:(?:State|Province|Commonwealth|Republic|Kingdom)\s+of\s+)?(?:the\s+)?"
    r"(?P<place>[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,2})\b"
)
_SENTENCE = re.compile(r"[.;]\s")
_GOVERNED = re.compile(r"\b(?:govern|constru|interpret)", re.IGNORECASE)
_DECIDED = re.compile(
    r"\b(?:controlled|determined|decided|resolved|settled|enforced|performed)\b[^.;]{0,60}\b(?:by|under|with|to)\b", re.IGNORECASE
)
_FEDERAL = re.compile(r"[^.;]{0,80}?\bCanada\b")
_APPLIES = re.compile(r"\b(?:(?:shall|will)\s+(?:govern|apply|control)|applies|governs)\b", re.IGNORECASE)
_BEFORE, _AFTER = 220, 120
_CANADIAN = ("province", "province of Canada")
"""A province alone, and one whose clause names Canada too."""
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
    for found in (_laws(text, _GOVERNED), _laws_before(text), _laws(text, _DECIDED), _laws(text, _GOVERNED, _UNLISTED)):
        if named := _without_federal(list(found)):
            return named
    return []


def _laws(text: str, governing: re.Pattern[str], pattern: re.Pattern[str] = _NAMED) -> Iterator[Named]:
    """Places after the word law."""
    for law in _LAW.finditer(text):
        found = pattern.match(text, law.end())
        if found is not None and found["place"][0].isupper():
            said = _said(text, law.start(), found.end(), governing)
            if said:
                yield _named(text, found, said)


def _laws_before(text: str) -> Iterator[Named]:
    """Places right before the word law."""
    for found in _BEFORE_LAW.finditer(text):
        said = _said(text, found.start(), found.end(), _GOVERNED)
        if said:
            yield _named(text, found, said)


def _said(text: str, start: int, end: int, governing: re.Pattern[str]) -> str:
    """How the sentence around this law says that it holds; empty where it does not."""
    before = _SENTENCE.split(text[max(0, start - _BEFORE) : start])[-1]
    return "governed by" if governing.search(before) else "applies" if _APPLIES.search(_after(text, end)) else ""


def _after(text: str, end: int) -> str:
    return _SENTENCE.split(text[end : end + _AFTER])[0]


def _named(text: str, found: re.Match[str], said: str) -> Named:
    place, kind = _PLACES.get(folded(found["place"]), (found["place"], "place of no list"))
    if kind == _CANADIAN[0] and _FEDERAL.match(text, found.end()):
        place, kind = f"{place}, Canada", _CANADIAN[1]
    return Named(place, kind, said, tuple(word.casefold() for word in _NEXT.findall(_after(text, found.end()))[:2]))


def _without_federal(found: list[Named]) -> list[Named]:
    """Without the law that holds in all parts of a country, where the law of a part is named."""
    beside = {"Canada"} if any(one.kind == _CANADIAN[1] for one in found) else set()
    if any(one.kind == "state" for one in found):
        beside |= {"United States", "United States of America"}
    return [one for one in found if one.place not in beside]


def propose_laws(text: str, into: Proposals) -> None:
    """Add every place whose law a clause names, with how it is named and whether all clauses name the same."""
    found = laws(text)
    times = Counter(one.place for one in found)
    for one in found:
        evidence = _evidence(one, times)
        forms = _forms(one)
        for form, place in forms.items():
            into.at(place).extend([*evidence, f"law, written {form}"] if len(forms) > 1 else evidence)


def _forms(one: Named) -> Mapping[str, str]:
    """The ways in which people write this place down; several are rivals, of which examples tell the usual one."""
    if one.kind in _CANADIAN:
        bare = one.place.removesuffix(", Canada")
        return {"without its country": bare, "with its country": f"{bare}, Canada"}
    if " and " in one.place:
        return {"as a whole": one.place, "by its first part": one.place.partition(" and ")[0]}
    return {"as it is": one.place}


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
