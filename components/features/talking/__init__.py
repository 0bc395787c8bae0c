"""Talking faces with their sound, as lip sync learns them: crops and mels, memory-mapped."""
