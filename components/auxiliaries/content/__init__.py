"""What is said, without who says it: HuBERT features of speech, 50 a second."""
