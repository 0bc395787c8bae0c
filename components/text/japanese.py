"""Japanese: orthography → katakana as it is pronounced (は → ワ), a space at every accent phrase."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
from functools import cache
from types import ModuleType
from typing import cast

from components.text.numerals import clean_thousands

_DEVOICED = "’"
_KANA = re.compile(r"[ァ-ヺー]")


@cache
def _open_jtalk() -> ModuleType:
    """The module, imported without the advertisement that it prints for an optional package."""
    with contextlib.redirect_stdout(io.StringIO()):
        import pyopenjtalk

    return cast("ModuleType", pyopenjtalk)


def spoken(text: str) -> str:
    """``今日は3時です。`` → ``キョーワ サンジデス。``. Digits and Latin letters are read by Open JTalk."""
    words = _open_jtalk().run_frontend(clean_thousands(unicodedata.normalize("NFKC", text)))
    pieces: list[str] = []
    for word in words:
        said = word["pron"].replace(_DEVOICED, "")
        kana = bool(_KANA.search(said))
        joined = word["chain_flag"] == 1 or not kana
        pieces.append(said if joined else f" {said}")
        if not kana:
            pieces[-1] = word["string"]
    return "".join(pieces).strip()
