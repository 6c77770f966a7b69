"""Which registered model may score a date: the newest that knows nothing of what came after it, if it is in order.

A model that may not be used is never replaced in silence by an older one: then there are no scores, and the night says
why. What is chosen depends on the date and on the registry alone, so that a night that is run again scores the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

from assets.churn import saved
from assets.churn.labels import Label
from assets.churn.model import ChurnModel
from assets.churn.model_inputs import ModelInput, definition, model_inputs
from liangcang import registry
from liangcang.errors import WarehouseError
from liangcang.place import Place
from liangcang.registry import Registered


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model for a date with its inputs, or none and why; `refused`: there is one, and it must not be used."""

    version: str = ""
    model: ChurnModel | None = None
    inputs: tuple[ModelInput, ...] = ()
    reason: str = ""
    refused: bool = False


@dataclass(frozen=True)
class _Told:
    """What a version says of itself."""

    registered: Registered
    label: str
    known_until: dt.date
    expires: dt.date

    @classmethod
    def of(cls, registered: Registered) -> Self:
        facts = registered.facts
        try:
            until, expires = (dt.date.fromisoformat(facts[name]) for name in ("known_until", "expires"))
            return cls(registered, str(facts["label"]), until, expires)
        except (KeyError, TypeError, ValueError):
            raise WarehouseError(
                "a model does not say what it knows", file=registered.folder, next="train anew"
            ) from None


class Shelf:
    """The registered models of a warehouse, each loaded and proven once."""

    def __init__(self, place: Place, label: Label | None) -> None:
        self.place, self.label = place, label
        self._loaded: dict[str, Choice] = {}

    def choose(self, day: dt.date) -> Choice:
        """The model for a date."""
        if self.label is None:
            return Choice(reason="the bank has not said what churn means (parameters.churn)")
        try:
            known = [one for one in self._versions() if one.label == self.label.id and one.known_until <= day]
        except WarehouseError as error:
            return Choice(reason=error.what, refused=True)
        if not known:
            return Choice(reason="no model was trained that knows nothing of later dates")
        newest = max(reversed(known), key=lambda one: one.known_until)
        version = newest.registered.version
        if day > newest.expires:
            why = f"the model expired on {newest.expires}: train anew"
            return Choice(version=version, reason=why, refused=True)
        if version not in self._loaded:
            self._loaded[version] = self._proven(newest.registered, self.label)
        return self._loaded[version]

    def _versions(self) -> list[_Told]:
        """Versions in the order in which they were first staged. WarehouseError when one says nothing of itself."""
        names = dict.fromkeys(told.version for told in registry.stages(self.place, saved.NAME))
        return [_Told.of(registry.find(self.place, saved.NAME, name)) for name in names]

    def _proven(self, registered: Registered, label: Label) -> Choice:
        version = registered.version
        try:
            model = saved.load(registered)
        except WarehouseError as error:
            return Choice(version=version, reason=error.what, refused=True)
        inputs = tuple(item for item in model_inputs() if item.name in model.names)
        if definition(label, inputs) != registered.facts.get("definition"):
            why = "the label or an input is no longer what the model was trained for: train anew"
            return Choice(version=version, reason=why, refused=True)
        return Choice(version=version, model=model, inputs=inputs)
