"""What a media file holds besides its metadata: the hash of its samples or packets, and its own label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.core.errors import DataError

_BLOCK = 65_536


def pcm_sha256(path: Path) -> str:
    """Hex sha256 of a wav's samples as 16-bit integers, little-endian, whatever chunks stand beside them.

    Raises:
        DataError: not readable as audio.
    """
    import soundfile

    digest = hashlib.sha256()
    try:
        with soundfile.SoundFile(path) as file:
            digest.update(f"{file.samplerate} {file.channels}\n".encode())
            for block in file.blocks(_BLOCK, dtype="int16"):
                digest.update(block.astype("<i2").tobytes())
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def packets_sha256(path: Path) -> str:
    """Hex sha256 of a container's coded packets, stream by stream.

    Raises:
        DataError: not readable as media.
    """
    import av

    try:
        with av.open(str(path)) as container:
            digests = [hashlib.sha256() for _ in container.streams]
            for packet in container.demux():
                digests[packet.stream_index].update(bytes(packet))
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error
    return hashlib.sha256("\n".join(one.hexdigest() for one in digests).encode()).hexdigest()


def is_wav(path: Path) -> bool:
    """Whether it begins as a RIFF WAVE file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise _unreadable(path, error) from error
    return head[:4] == b"RIFF" and head[8:] == b"WAVE"


def content_sha256(path: Path) -> str:
    """`pcm_sha256` of a wav, else `packets_sha256`.

    Raises:
        DataError: not readable.
    """
    return pcm_sha256(path) if is_wav(path) else packets_sha256(path)


def inner_label(path: Path) -> Mapping[str, Any] | None:
    """The label in a file's own metadata; None where there is none that can be read.

    Raises:
        DataError: not readable as media.
    """
    comment = _wav_comment(path) if is_wav(path) else _container_comment(path)
    try:
        found = json.loads(comment)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "digital_source_type" in found else None


def _wav_comment(path: Path) -> str:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return str(file.comment)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from error


def _container_comment(path: Path) -> str:
    import av

    try:
        with av.open(str(path)) as container:
            return str(container.metadata.get("comment", ""))
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        who=str(path),
        expected="a wav, mp4 or other media file that can be read",
        found=" ".join(str(error).split())[:160],
        action="name a media file that a player plays",
    )
