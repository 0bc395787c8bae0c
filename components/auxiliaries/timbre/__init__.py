"""The network that lets the codec's sound follow the voice of a prompt (ADR 36)."""
