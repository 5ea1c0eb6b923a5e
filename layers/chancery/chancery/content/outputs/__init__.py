"""Activity outputs: what agents produce, from draft to published."""
