"""A program that has the card in a reader for itself until its input ends. It says so with a line."""

from __future__ import annotations

import sys

import pcsc

if __name__ == "__main__":
    with pcsc.Context() as context, context.connect(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.read()
