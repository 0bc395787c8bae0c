"""A drawn face whose mouth follows the phoneme timings of generated speech. Learnable, not realistic."""
