"""Expectations over manifest and audio: what may be trained on, and a report a person can open."""
