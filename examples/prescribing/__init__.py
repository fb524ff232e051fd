"""A separate service that people sign in to with their card: a relying party, written with Authlib's client.

It knows the registration authority by its OpenID issuer alone and imports nothing of it. It shows who is
here, in which role, refuses whoever may not prescribe, and has prescriptions signed with the prescriber's
card, for patients who do not exist.
"""
