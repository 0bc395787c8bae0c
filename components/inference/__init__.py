"""Delivered models at work: loading them, and leaving labelled audio behind."""

from components.inference.label import MediaLabel
from components.inference.loading import load
from components.inference.synthesise import to_wav

__all__ = ["MediaLabel", "load", "to_wav"]
