"""The whole service on one machine: what ``./run`` starts, supervises and stops.

Nothing here is needed in production, where the machine's own service manager starts the same programs
(``docs/architecture.md`` lists them).
"""
