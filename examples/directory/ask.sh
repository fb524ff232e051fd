#!/bin/sh
# May this person do this there? With OpenLDAP's tools (Debian: apt-get install ldap-utils libsasl2-modules).
#
#   LDAPTLS_CACERT=authority.pem LDAPTLS_CERT=system.pem LDAPTLS_KEY=system.key \
#     ask.sh ldaps://directory.example:636 555000000017 B0420 A81001
#
# Ends with 0 for yes, 1 for no, and 2 when it is not known: treat that as no.
set -u
server=$1 uid=$2 activity=$3 organisation=$4

# What becomes part of a DN is checked first: a value of another form could change what is asked.
case $uid in *[!0-9]* | '') echo "A user id has digits only." >&2; exit 2 ;; esac
case $activity$organisation in *[!A-Za-z0-9._-]*) echo "A code has letters and digits only." >&2; exit 2 ;; esac

ask() { ldapcompare -H "$server" -Y EXTERNAL -Q -o nettimeout=5 "$@" 2>&1; }

said=$(ask "uid=$uid,ou=People,o=nhs" "spineAccess:$organisation:$activity")
case $? in
  6) echo yes; exit 0 ;;  # compareTrue
  5 | 16) echo no; exit 1 ;;  # compareFalse; noSuchAttribute: no rights at all
  32)  # noSuchObject: nobody of that id, or a system that may see nobody. Which of the two?
    said=$(ask "ou=People,o=nhs" "ou:People")
    if [ $? -eq 6 ]; then echo no; exit 1; fi ;;
esac
echo "Not known: $said" >&2
exit 2
