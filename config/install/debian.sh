# What run and test share: the Debian packages and the Python environment. Sourced, never run.
# shellcheck shell=bash

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p')
  printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

# The slapd, postgresql and haproxy packages start a service of their own when they are installed. Ours are private
# children, so the packages' services are kept from starting while we install.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d made=0 status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=1
  fi
  "$@" || status=$?
  [ "$made" = 0 ] || rm -f "$policy"
  return "$status"
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

install_packages() {
  command -v dpkg-query >/dev/null || fail "This is not Debian. Install these yourself, then run again: $*"
  local missing
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  [ "$(id -u)" = 0 ] || fail "These Debian packages are missing: ${missing}
Run this command as root, or install them first:  apt-get install --no-install-recommends ${missing}"
  say "Installing Debian packages: ${missing}"
  local log
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { apt update && without_starting_services apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "The packages could not be installed (the last lines of apt are above). Check the network and the package sources, then run again."
  fi
  rm -f "$log"
}

# One environment inside the project folder, made again whenever a requirement changes. What test installs
# is a superset of what run needs, so either stamp satisfies run.
install_python() {
  local requirements=$1 wanted
  wanted=$(cat requirements.txt pyproject.toml "$requirements" | sha256sum | cut -d' ' -f1)
  [ "$(cat ".venv/installed-$requirements" 2>/dev/null)" != "$wanted" ] || return 0
  say "Installing Python packages into .venv"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  local pip=".venv/bin/python -m pip install --quiet --disable-pip-version-check"
  $pip -r "$requirements" ||
    fail "The Python packages could not be installed. Check the network, then run again; .venv can be deleted at any time."
  $pip --no-deps -e . || fail "The project itself could not be installed into .venv. Delete .venv and run again."
  rm -f .venv/installed-*
  echo "$wanted" >".venv/installed-$requirements"
  [ "$requirements" = requirements.txt ] ||
    cat requirements.txt pyproject.toml requirements.txt | sha256sum | cut -d' ' -f1 >.venv/installed-requirements.txt
}
