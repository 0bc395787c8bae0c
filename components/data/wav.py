"""RIFF/WAVE, looked at closely: what the header says, held against the bytes that are there.

``wave`` and libsndfile read a truncated file without a word, so the chunks are walked here (Microsoft/IBM,
Multimedia Programming Interface 1.0, 1991; WAVEFORMATEXTENSIBLE: Microsoft 2001).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

_EXTENSIBLE = 0xFFFE
_PCM, _FLOAT = 1, 3
_FLOAT_TYPES = {"FLOAT": "<f4", "DOUBLE": "<f8"}
_CHUNK_BYTES = 1 << 20


class BadWavError(Exception):
    """Why a file is no usable WAV: the reason's name, what was expected and what was found."""

    def __init__(self, reason: str, expected: str, found: str) -> None:
        super().__init__(reason, expected, found)
        self.reason, self.expected, self.found = reason, expected, found


@dataclass(frozen=True)
class WavFacts:
    """What a sound header says, after it was found to agree with the file.

    Attributes:
        encoding: ``PCM_16``, ``PCM_24``, ``FLOAT``, ... as libsndfile names them.
        data_offset: first byte of the samples.
        data_bytes: length of the samples in bytes.
    """

    encoding: str
    channels: int
    sample_rate: int
    frames: int
    data_offset: int
    data_bytes: int

    @property
    def duration_s(self) -> float:
        """Seconds, to the microsecond."""
        return round(self.frames / self.sample_rate, 6)


def inspect(path: Path) -> WavFacts:
    """Read and check the header; the samples are not read, so three hours cost what a second costs.

    Raises:
        BadWavError: ``empty_file``, ``not_audio``, ``truncated``, or ``lying_header``.
        OSError: unreadable.
    """
    size = path.stat().st_size
    if size == 0:
        raise BadWavError("empty_file", "a recording", "0 bytes")
    with path.open("rb") as file:
        riff = file.read(12)
        if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            raise BadWavError("not_audio", "a RIFF/WAVE file", f"first bytes {riff[:12]!r}")
        chunks = _chunks(file, size)
        if b"fmt " not in chunks or b"data" not in chunks:
            names = ", ".join(name.decode("ascii", "replace") for name in chunks)
            raise BadWavError("not_audio", "the chunks fmt and data", names or "no chunk")
        declared = struct.unpack("<I", riff[4:8])[0] + 8
        if declared not in (size, size - 1, size + 1):  # writers disagree on counting the pad byte
            raise BadWavError("lying_header", f"{size} bytes in the RIFF header", f"{declared}")
        return _facts(_bytes_of(file, chunks[b"fmt "]), *chunks[b"data"])


def check_finite(path: Path, facts: WavFacts) -> None:
    """Refuse NaN and infinity in float samples, reading a chunk at a time.

    Raises:
        BadWavError: ``not_finite``.
    """
    if facts.encoding not in _FLOAT_TYPES:
        return
    with path.open("rb") as file:
        file.seek(facts.data_offset)
        position = 0
        while position < facts.data_bytes:
            block = file.read(min(_CHUNK_BYTES, facts.data_bytes - position))
            if not np.isfinite(np.frombuffer(block, _FLOAT_TYPES[facts.encoding])).all():
                raise BadWavError("not_finite", "finite samples", "NaN or infinity")
            position += len(block)


def _chunks(file: BinaryIO, size: int) -> dict[bytes, tuple[int, int]]:
    """Chunk name → (offset, length) of its first occurrence.

    Raises:
        BadWavError: a chunk that ends beyond the file, or bytes that are no chunk.
    """
    found: dict[bytes, tuple[int, int]] = {}
    position = 12
    while size - position >= 8:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if not all(0x20 <= byte < 0x7F for byte in name):
            raise BadWavError("lying_header", "chunks up to the end of the file", f"{name!r} at {position}")
        offset = position + 8
        if offset + length > size:
            reason = "truncated" if name == b"data" else "lying_header"
            raise BadWavError(reason, f"{length} bytes of {name.decode('ascii')}", f"{size - offset} bytes")
        found.setdefault(name, (offset, length))
        position = offset + length + length % 2
    if size - position > 0:
        raise BadWavError("lying_header", "chunks up to the end of the file", f"{size - position} bytes more")
    return found


def _bytes_of(file: BinaryIO, chunk: tuple[int, int]) -> bytes:
    offset, length = chunk
    file.seek(offset)
    return file.read(min(length, 40))


def _facts(fmt: bytes, data_offset: int, data_bytes: int) -> WavFacts:
    if len(fmt) < 16:
        raise BadWavError("lying_header", "16 bytes of fmt", f"{len(fmt)}")
    code, channels, rate, byte_rate, align, bits = struct.unpack("<HHIIHH", fmt[:16])
    if code == _EXTENSIBLE and len(fmt) == 40:
        code = struct.unpack("<H", fmt[24:26])[0]
    if channels == 0 or rate == 0 or bits == 0:
        raise BadWavError(
            "lying_header", "channels, rate and bits above 0", f"{channels} channels, {rate} Hz, {bits} bits"
        )
    encoding = _encoding(code, bits)
    if code in (_PCM, _FLOAT) and (align != channels * -(-bits // 8) or byte_rate != rate * align):
        raise BadWavError(
            "lying_header",
            f"{channels} × {bits} bits a frame, {rate} Hz",
            f"{align} bytes a frame, {byte_rate} a second",
        )
    if align == 0 or data_bytes % align:
        raise BadWavError("truncated", f"whole frames of {align} bytes", f"{data_bytes} bytes")
    return WavFacts(encoding, channels, rate, data_bytes // align, data_offset, data_bytes)


def _encoding(code: int, bits: int) -> str:
    if code == _FLOAT and bits in (32, 64):
        return "FLOAT" if bits == 32 else "DOUBLE"
    return f"PCM_{bits}" if code == _PCM else f"format {code} with {bits} bits"
