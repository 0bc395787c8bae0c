"""A CTC phoneme recogniser that judges pronunciation; trained on generated speech, it hears only that."""
