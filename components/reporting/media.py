"""What the review page embeds: short MP3 clips and spectrogram pictures as data addresses."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from components.core.errors import DataError

#: MP3: every browser plays it and, unlike Ogg, it has no random serial number: same audio, same bytes.
_FORMAT, _MIME = "MP3", "audio/mpeg"
_COMPRESSION = 0.7  # libsndfile's 0..1 scale; about 48 kbit/s of mono speech
_MP3_RATES = (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_WINDOW, _RANGE_DB, _SHADES = 512, 70.0, 64
_PICTURE_HEIGHT, _PICTURE_COLUMNS_PER_S = 48, 60
# Dark blue → teal → sand: readable in print and without colour vision.
_ANCHORS = np.array(
    [[13, 18, 48], [31, 74, 122], [44, 145, 142], [178, 207, 130], [255, 244, 200]], dtype=np.float64
)


def read_clip(path: Path) -> tuple[NDArray[np.float32], int]:
    """Mono samples [N] in [-1, 1] and the sample rate.

    Raises:
        DataError: the sample cannot be read.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            who=str(path), expected="a readable sample", found=str(error), action="run evaluate again"
        ) from error
    return samples.mean(axis=1), int(rate)


def audio_address(samples: NDArray[np.float32], rate: int) -> str:
    """``data:audio/mpeg;base64,…``; a rate that MP3 does not have falls back to FLAC."""
    target = io.BytesIO()
    if rate in _MP3_RATES:
        soundfile.write(
            target, samples, rate, format=_FORMAT, bitrate_mode="VARIABLE", compression_level=_COMPRESSION
        )
        return f"data:{_MIME};base64,{base64.b64encode(target.getvalue()).decode()}"
    soundfile.write(target, samples, rate, format="FLAC")
    return f"data:audio/flac;base64,{base64.b64encode(target.getvalue()).decode()}"


def video_address(path: Path) -> str:
    """``data:video/mp4;base64,…`` of a file as it stands.

    Raises:
        DataError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            who=str(path), expected="a readable video", found=str(error), action="run evaluate again"
        ) from error
    return f"data:video/mp4;base64,{base64.b64encode(data).decode()}"


def spectrogram_address(samples: NDArray[np.float32], rate: int) -> str:
    """A log-magnitude spectrogram of [N] samples as a small palette PNG, low frequencies below."""
    columns = max(1, round(len(samples) / rate * _PICTURE_COLUMNS_PER_S))
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW))
    starts = np.linspace(0, max(0, len(samples) - 1), columns).astype(int)
    frames = np.stack([padded[start : start + _WINDOW] for start in starts]) * np.hanning(_WINDOW)
    magnitude = np.abs(np.fft.rfft(frames, axis=1))[:, 1:].T  # [bins, columns]
    edges = np.linspace(0, np.sqrt(len(magnitude)), _PICTURE_HEIGHT + 1) ** 2  # finer below, as hearing is
    bands = [magnitude[int(low) : max(int(low) + 1, int(high))].max(axis=0) for low, high in pairwise(edges)]
    decibels = 20 * np.log10(np.maximum(np.stack(bands[::-1]), 1e-6))
    shades = np.clip((decibels - decibels.max()) / _RANGE_DB + 1, 0, 1) * (_SHADES - 1)
    return f"data:image/png;base64,{base64.b64encode(_png(shades.astype(np.uint8))).decode()}"


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Palette PNG of [H, W] shade indices (PNG 1.2, sections 4 and 9)."""
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _palette() -> bytes:
    positions = np.linspace(0, len(_ANCHORS) - 1, _SHADES)
    channels = [np.interp(positions, np.arange(len(_ANCHORS)), _ANCHORS[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).astype(np.uint8).tobytes()
