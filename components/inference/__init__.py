"""Delivered models at work: loading them, and leaving labelled audio behind."""

from components.inference.convert import convert_file
from components.inference.label import MediaLabel
from components.inference.loading import load, load_converter
from components.inference.synthesise import to_wav

__all__ = ["MediaLabel", "convert_file", "load", "load_converter", "to_wav"]
