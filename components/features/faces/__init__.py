"""Where faces are in a video, their crops, and whether a set of videos can be learned from."""
