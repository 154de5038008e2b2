"""Voices of speech: which there are, in which language, how fast."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kling_nb.api.advice import advise
from kling_nb.api.fields import listed
from kling_nb.api.names import DATED, VOICES

__all__ = ["Language", "OneDecimal", "Speed", "advise_voice", "spoken_language"]

Language = Literal["zh", "en"]


def _one_decimal(value: float) -> float:
    if round(value, 1) != value:
        raise ValueError(f"{value} has more than one decimal.")
    return value


OneDecimal = Annotated[float, AfterValidator(_one_decimal)]
Speed = Annotated[OneDecimal, Field(ge=0.8, le=2.0)]


def spoken_language(voice: str, given: Language | None) -> Language:
    """The language asked for, or the only one that the voice is known in; "zh", Kling's default, otherwise."""
    if given is not None:
        return given
    return "en" if voice in VOICES["en"] and voice not in VOICES["zh"] else "zh"


def advise_voice(voice: str, given: Language | None) -> None:
    """Warn of a voice that this release does not know, or not in that language."""
    known = [language for language, voices in VOICES.items() if voice in voices]
    if not known:
        advise(f"voice_id {voice!r} is not among the voices of {DATED}; it is sent as it is.")
    elif given is not None and given not in known:
        advise(f"voice_language = {given!r}: {voice} is known in {listed(known, 'and')} only; it is sent as it is.")
    elif given is None and len(known) > 1:
        advise(f"voice_language: {voice} speaks {listed(known, 'and')}; Kling's default, zh, is taken.")
