"""Models that leave the house: a folder with weights, code, hashes, and the proof that it works elsewhere."""
