"""FLAC as the WAV it was made from: lossless, and checked against the hash that its encoder left.

Format: RFC 9639, section 8.2 (STREAMINFO); the hash is the MD5 of the samples as little-endian integers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.data.wav import BadWavError

_MAGIC = b"fLaC"
#: Magic, a block's header of 4 bytes, then STREAMINFO of 34: bits a sample at 12-13, MD5 in the last 16.
_STREAMINFO, _STREAMINFO_BYTES = 8, 34
_NO_HASH = bytes(16)
_SUBTYPES = {16: "PCM_16", 24: "PCM_24"}


def is_flac(path: Path) -> bool:
    """Whether a file says that it is FLAC.

    Raises:
        OSError: unreadable.
    """
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def unpack(path: Path, target: Path) -> Path:
    """Write ``target``, a WAV of the same samples, width, rate and channels.

    Raises:
        BadWavError: ``not_audio``, ``unsupported_encoding`` (neither 16 nor 24 bits), or ``truncated``.
        OSError: unreadable.
    """
    import soundfile

    with path.open("rb") as file:
        info = file.read(_STREAMINFO + _STREAMINFO_BYTES)[_STREAMINFO:]
    if len(info) < _STREAMINFO_BYTES:
        raise BadWavError("truncated", "the header of a FLAC file", f"{len(info)} bytes of it")
    bits = ((info[12] & 1) << 4 | info[13] >> 4) + 1
    if bits not in _SUBTYPES:
        raise BadWavError("unsupported_encoding", "FLAC of 16 or 24 bits", f"{bits} bits")
    try:
        samples, rate = soundfile.read(path, dtype="int16" if bits == 16 else "int32")
    except soundfile.LibsndfileError as error:
        raise BadWavError("not_audio", "FLAC that decodes", str(error)[:120]) from error
    raw = samples.astype("<i2").tobytes() if bits == 16 else _in_three_bytes(samples.astype("<i4").tobytes())
    if info[-16:] not in (_NO_HASH, hashlib.md5(raw, usedforsecurity=False).digest()):
        raise BadWavError("truncated", "the samples that were encoded (MD5 in the header)", "others")
    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(target, samples, rate, subtype=_SUBTYPES[bits], format="WAV")
    return target


def _in_three_bytes(raw: bytes) -> bytes:
    """32-bit samples whose lowest byte is empty, as libsndfile gives 24 bits, without it."""
    kept = bytearray(len(raw) // 4 * 3)
    for byte in range(3):
        kept[byte::3] = raw[byte + 1 :: 4]
    return bytes(kept)
