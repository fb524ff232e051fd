"""The directory at national size: ``python -m bench.national --people 1000000``.

Makes a nation's people, role profiles, organisations and systems in the product's own database (seeded: the
same each time), publishes them through the product's own rebuild, and measures what the directory then
costs. Everything made lies in a temporary folder and is deleted at the end.
"""
