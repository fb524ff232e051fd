"""Reference data that travels with the program; ``ATTRIBUTION.txt`` says where it is from."""
