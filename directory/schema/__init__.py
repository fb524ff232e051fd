"""The directory's schema: the published tables, our own extension, and the LDIF made from both.

``attributes.tsv`` and ``objectclasses.tsv`` are the published schema of the national directory, as read from
its subschema entry. ``spine_attributes.tsv`` and ``spine_objectclasses.tsv`` are what this product adds in
an OID arc of its own (a UUID, ITU-T X.667). ``nhs.ldif`` and ``spine.ldif`` are generated from them:
``python -m directory.schema.generator``.
"""
