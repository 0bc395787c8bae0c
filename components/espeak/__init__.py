"""espeak-ng: speech with exact phoneme timings for the generated corpus, and the phonemes alone."""

from components.espeak.phones import PAUSE, PHONES_VERSION
from components.espeak.synthesis import Speech, Voice, phonemes, synthesise, variants

__all__ = ["PAUSE", "PHONES_VERSION", "Speech", "Voice", "phonemes", "synthesise", "variants"]
