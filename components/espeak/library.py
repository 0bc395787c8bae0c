"""libespeak-ng from the pinned ``espeakng-loader`` wheel, through its C API; one fresh copy for every call.

espeak-ng carries state from one utterance to the next (flutter phase, prosody, noise), even over
``espeak_Terminate``: the same sentence gives other samples and other timings depending on what was spoken
before. So each session maps the library anew (5 ms) and unmaps it afterwards, one at a time in a process.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import EnvironmentFaultError

SAMPLE_RATE_HZ = 22050
#: Event types of ``espeak_EVENT`` (speak_lib.h) that matter here.
EVENT_TERMINATED, EVENT_WORD, EVENT_END, EVENT_PHONEME = 0, 1, 5, 7
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
_AUDIO_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_NOISE_SEED = 1
#: Between phonemes in the output of ``espeak_TextToPhonemes``; no mnemonic holds it.
SEPARATOR = "\x1f"
_REINSTALL = "reinstall the pinned wheel: pip install --force-reinstall espeakng-loader"


class _EventId(ctypes.Union):
    # Not c_char: that would cut a phoneme's bytes at the first NUL and hide that 8 bytes may hold none.
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_void_p), ("string", ctypes.c_ubyte * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_lock = threading.Lock()


def _new_lock_in_child() -> None:
    global _lock  # noqa: PLW0603 - a fork may copy a lock that a thread of the parent holds
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock_in_child)


@dataclass(frozen=True)
class Event:
    """One event of a synthesis: its type, the sample where it happens, and a phoneme's IPA (may be empty).

    ``place`` is the letter of the text, from 0, where espeak-ng believes the event's word to begin.
    """

    type: int
    sample: int
    text: str
    place: int = 0


class Session:
    """A freshly mapped, initialised library; valid inside `session` only."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._pcm = bytearray()
        self._events: list[Event] = []
        self._callback = _Callback(self._collect)
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_SetSynthCallback(self._callback)
        library.espeak_ng_SetRandSeed(ctypes.c_long(_NOISE_SEED))

    def select(self, name: str, parameters: dict[int, int]) -> None:
        """Choose a voice (``ko+f3``) and set numeric parameters.

        Raises:
            EnvironmentFaultError: the wheel has no such voice or refuses a parameter.
        """
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise EnvironmentFaultError(
                who=f"espeak-ng voice {name!r}",
                expected="to be in the wheel's data",
                found="it is not",
                action=_REINSTALL,
            )
        for parameter, value in parameters.items():
            if self._library.espeak_SetParameter(parameter, value, 0) != 0:
                raise EnvironmentFaultError(
                    who=f"espeak-ng parameter {parameter}",
                    expected="a value in range",
                    found=str(value),
                    action="mend data.embedded.espeak or voices.csv",
                )

    def synthesise(self, text: str) -> tuple[bytes, list[Event]]:
        """Speak: int16 PCM at 22,050 Hz and the events in time order."""
        self._pcm.clear()
        self._events.clear()
        encoded = text.encode("utf-8") + b"\0"
        self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded)), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        return bytes(self._pcm), list(self._events)

    def mnemonics(self, text: str) -> list[str]:
        """The phoneme mnemonics of a text in order: they hold tone and length, which the events lack."""
        cursor = ctypes.c_char_p(text.encode("utf-8"))
        found: list[str] = []
        while cursor.value:
            clause = self._library.espeak_TextToPhonemes(
                ctypes.byref(cursor), _CHARS_UTF8, ord(SEPARATOR) << 8
            )
            found += (clause or b"").decode("utf-8", "ignore").replace(SEPARATOR, " ").split()
        return found

    def _collect(self, wave: object, count: int, events: object) -> int:
        if wave and count:
            self._pcm += ctypes.string_at(wave, 2 * count)  # type: ignore[arg-type]
        index = 0
        while (event := events[index]).type != EVENT_TERMINATED:  # type: ignore[index]
            place = max(event.text_position - 1, 0)
            self._events.append(Event(event.type, event.sample, _phoneme(event), place))
            index += 1
        return 0


def _phoneme(event: _Event) -> str:
    """The IPA of a phoneme event: at most 8 bytes, NUL-terminated only if shorter, maybe cut in a letter."""
    if event.type != EVENT_PHONEME:
        return ""
    return bytes(event.id.string).split(b"\0")[0].decode("utf-8", "ignore")


@contextmanager
def session() -> Iterator[Session]:
    """Map the library, initialise it, hand it out, unmap it. One at a time in a process.

    Raises:
        EnvironmentFaultError: the wheel is missing or broken, or other code holds the library.
    """
    library_path, data_path = _locations()
    with _lock:
        _refuse_if_loaded(library_path)
        try:
            library = ctypes.CDLL(str(library_path))
        except OSError as error:
            raise _broken(str(error)) from error
        try:
            rate = library.espeak_Initialize(
                _AUDIO_SYNCHRONOUS,
                0,
                os.fsencode(data_path),
                _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT,
            )
            if rate != SAMPLE_RATE_HZ:
                raise _broken(f"espeak_Initialize gave {rate} for {data_path}")
            yield Session(library)
            library.espeak_Terminate()
        finally:
            _ctypes.dlclose(library._handle)


def data_folder() -> Path:
    """The wheel's espeak-ng-data.

    Raises:
        EnvironmentFaultError: the wheel is not installed.
    """
    return _locations()[1]


def _locations() -> tuple[Path, Path]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise _broken("no module espeakng_loader") from error
    return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())


def _refuse_if_loaded(path: Path) -> None:
    """A copy that somebody else mapped would keep its state over our unmapping."""
    try:
        other = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError:
        return
    _ctypes.dlclose(other._handle)
    raise EnvironmentFaultError(
        who=str(path.name),
        expected="to be loaded by this package alone, or its output depends on what was spoken before",
        found="another module of this process has loaded it",
        action="run the rendering in a process of its own",
    )


def _broken(found: str) -> EnvironmentFaultError:
    return EnvironmentFaultError(
        who="espeak-ng", expected="a working libespeak-ng 1.52 with its data", found=found, action=_REINSTALL
    )
