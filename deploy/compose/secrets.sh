#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, where they are not there yet: random, out of Git,
# readable in their container (Grafana is another user there) by way of a folder that only you enter.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets
if [ ! -s secrets/grafana_admin_password ]; then
    od -An -N18 -tx1 /dev/urandom | tr -d ' \n' > secrets/grafana_admin_password
    chmod 0444 secrets/grafana_admin_password
fi
echo "Grafana's user is admin; its password is in deploy/compose/secrets/grafana_admin_password"
