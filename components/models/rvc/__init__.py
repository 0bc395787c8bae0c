"""RVC v2: retrieval-based voice conversion (RVC project documentation, 2024; 32 kHz configuration)."""
