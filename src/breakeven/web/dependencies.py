"""What routes ask for by the name of an argument; `application.py` says where each comes from."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from breakeven.web.asked import Asked
from breakeven.web.desk import Desk
from breakeven.web.visitors import Door, Visitor

AtDesk = NamedDependency[SkipValidation[Desk]]
AtDoor = NamedDependency[SkipValidation[Door]]
Question = NamedDependency[SkipValidation[Asked]]
Who = NamedDependency[SkipValidation[Visitor]]
