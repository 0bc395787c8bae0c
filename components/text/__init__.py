"""Text front-end: orthography → what is spoken → phoneme symbols, for ko, en, ja and zh."""

from components.text.frontend import Phonemes, phonemise, spoken
from components.text.symbols import INVENTORY_VERSION, PAD, SPECIAL, UNK, ids, inventory, segment

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
]
