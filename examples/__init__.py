"""Programs that use the service from outside, as examples to read and to try."""
