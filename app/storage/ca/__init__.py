"""The certificate authority's own database: what it made, intended, signed, revoked and sealed."""
