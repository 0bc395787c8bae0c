"""FastPitch: parallel text-to-speech with pitch prediction (Łańcucki 2021, arXiv 2006.06873)."""
