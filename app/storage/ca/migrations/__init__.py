"""The migrations of the certificate authority's own database, run by ``app.storage.ca.migrating``."""
