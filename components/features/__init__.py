"""Signal features that need no network: mel, pitch, energy, durations, and the store that serves them."""
