"""CSTR VCTK (Yamagishi et al. 2019, CC-BY-4.0): 110 English voices.

Layout of 0.92: ``wav48_silence_trimmed/p225/p225_001_mic1.flac`` and ``txt/p225/p225_001.txt``; of 0.80:
``wav48/p225/p225_001.wav``. The first microphone is taken; the second one heard the same sentences, from
farther away, and two of the voices lack it. One voice (p315) has no texts.
"""

from __future__ import annotations

from pathlib import Path

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import text_lines

LOOKED_FOR = "the folders txt and wav48_silence_trimmed (or wav48)"

_AUDIO_FOLDERS = ("wav48_silence_trimmed", "wav48")
_FIRST, _SECOND = "_mic1", "_mic2"
_SUFFIXES = (".flac", ".wav")
_LICENCE = "CC-BY-4.0"


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like VCTK."""
    return (folder / "txt").is_dir() and any((folder / name).is_dir() for name in _AUDIO_FOLDERS)


def read(folder: Path) -> Source:
    """Read a VCTK folder. A text without a recording, and a recording without a text, are rows too.

    Raises:
        DataError: no such folders.
    """
    if not matches(folder):
        raise DataError(
            who=str(folder),
            expected=LOOKED_FOR,
            found="not both of them",
            action="point at the folder of VCTK-Corpus that holds them",
        )
    own = next(folder / name for name in _AUDIO_FOLDERS if (folder / name).is_dir())
    recordings = [path for path in sorted(own.glob("*/*")) if path.suffix.lower() in _SUFFIXES]
    first = {path.stem.removesuffix(_FIRST): path for path in recordings if not path.stem.endswith(_SECOND)}
    texts = {path.stem: path for path in sorted((folder / "txt").glob("*/*.txt"))}
    rows = tuple(
        _row(number, name, first.get(name), texts.get(name), folder)
        for number, name in enumerate(sorted({*first, *texts}), start=1)
    )
    speakers = {row.speaker_id for row in rows if row.speaker_id}
    second = len(recordings) - len(first)
    return Source(
        name="vctk",
        folder=folder,
        rows=rows,
        consents={f"{name}-licence": ConsentRecord.of_licence(f"{name}-licence", name) for name in speakers},
        left_out={"the second microphone": second} if second else {},
    )


def _row(number: int, name: str, recording: Path | None, text: Path | None, folder: Path) -> RawRow:
    voice = name.partition("_")[0]
    if text is None:
        return RawRow(number, f"vctk_{name}", problem=f"no txt/{voice}/{name}.txt")
    try:
        said = " ".join(" ".join(text_lines(text)).split())
    except DataError as error:
        return RawRow(number, f"vctk_{name}", problem=f"{text.name}: {error.found}"[:200])
    return RawRow(
        number=number,
        utterance_id=f"vctk_{name}",
        speaker_id=f"vctk_{voice}",
        language="en",
        text=said,
        audio=recording.relative_to(folder).as_posix() if recording else f"{name}{_FIRST}.flac",
        role="human",
        licence=_LICENCE,
        consent=f"vctk_{voice}-licence",
    )
