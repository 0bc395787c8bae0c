"""The latency and memory that a network would have on a device that is not here."""
