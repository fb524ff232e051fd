"""The LDAP directory that other systems consult, and the library with which they ask it.

The only package that imports an LDAP library. It knows the published schema and tree (``o=nhs``), runs a
private slapd, publishes entries, rebuilds and compares the whole directory, and answers role checks. It
imports nothing of the application.
"""
