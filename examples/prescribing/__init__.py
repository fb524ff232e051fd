"""A separate service that people sign in to with their card: a relying party, written with Authlib's client.

It knows the registration authority by its OpenID issuer alone and imports nothing of it. It signs no real
prescription: it shows who is here, in which role, and refuses whoever may not prescribe.
"""
