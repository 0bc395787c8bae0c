"""Text front-end: orthography → what is spoken → phoneme symbols, for ko, en, ja and zh."""

from components.text.correspondence import symbol_timings
from components.text.frontend import Phonemes, phonemise, spoken
from components.text.symbols import INVENTORY_VERSION, PAD, SPECIAL, UNK, ids, inventory, segment, tone

__all__ = [
    "INVENTORY_VERSION",
    "PAD",
    "SPECIAL",
    "UNK",
    "Phonemes",
    "ids",
    "inventory",
    "phonemise",
    "segment",
    "spoken",
    "symbol_timings",
    "tone",
]
