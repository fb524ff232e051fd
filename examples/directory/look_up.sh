#!/bin/sh
# Where does an organisation receive an interaction? Needs no certificate where the directory's policy allows that.
#
#   LDAPTLS_CACERT=authority.pem look_up.sh ldaps://directory.example:636 A81001 urn:nhs:names:services:…
#
# Writes the address; ends with 1 when there is none, and 2 when it is not known.
set -u
server=$1 organisation=$2 interaction=$3

case $organisation in *[!A-Za-z0-9._-]* | '') echo "A code has letters and digits only." >&2; exit 2 ;; esac
case $interaction in *[!A-Za-z0-9:._/+-]* | '') echo "An interaction id is a URN." >&2; exit 2 ;; esac

found=$(ldapsearch -H "$server" -x -LLL -o ldif-wrap=no -o nettimeout=5 -b ou=Services,o=nhs -s one \
  "(&(nhsIDCode=$organisation)(nhsMhsSvcIA=$interaction))" nhsMHSEndPoint) || exit 2
address=$(printf '%s\n' "$found" | sed -n 's/^nhsMHSEndPoint: //p')
[ -n "$address" ] || exit 1
printf '%s\n' "$address"
