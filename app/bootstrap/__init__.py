"""The composition root: one module for each program, and those of abilities that several programs have.

A program imports its own module alone, so that it starts without the parts that are none of its business.
"""
