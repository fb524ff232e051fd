"""The migrations in their order. They are never changed once they are released."""
