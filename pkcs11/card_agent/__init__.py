"""The card agent: the desk program, and the only program that touches a person's card.

It listens on loopback, shows its own pages, takes PINs and drives the cards in the desk's two readers.
Browsers reach it by top-level navigation (docs/card-agent.md); it reaches the site over TLS that it opens.
"""
