"""The commands of ``spine-ra``, a module each."""
