"""Alembic's folder of migrations.

A new one is written by ``python -m app.storage.autogenerate "what it changes"`` from the difference between
the tables and the migrations so far, and then read and corrected by a person. Tables that only grow need
their triggers by hand (``app.storage.tables.append_only``). A test compares what the migrations make with
what the tables say, triggers too, on both databases.

The first migration is a file of SQL for each kind of database, written by ``--first`` of the same command.
"""
