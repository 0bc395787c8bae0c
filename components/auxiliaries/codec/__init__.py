"""Speech as a few integers a frame, and back: EnCodec, or a small codec that this repository trains."""
