"""Delivered models at work: loading them, and leaving labelled audio and video behind."""

from components.inference.convert import convert_file
from components.inference.label import MediaLabel
from components.inference.lipsync import LipSynced, Rendering, lipsync_file
from components.inference.loading import load, load_converter, load_lip_sync, load_prompted
from components.inference.synthesise import blocks_to_wav, to_wav

__all__ = [
    "LipSynced",
    "MediaLabel",
    "Rendering",
    "blocks_to_wav",
    "convert_file",
    "lipsync_file",
    "load",
    "load_converter",
    "load_lip_sync",
    "load_prompted",
    "to_wav",
]
