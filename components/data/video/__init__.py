"""Videos as frames and samples, and back into mp4."""
