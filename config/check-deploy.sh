#!/usr/bin/env bash
# Has every file for running hubgate elsewhere read by the tool that it is for; a part of `make check`.
#   config/check-deploy.sh
# Nothing is started. Paths that exist only where they are used are replaced by some of a directory of our own.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
config/make-certs.sh --out "$work/certs" >/dev/null
cat "$work/certs/cert.pem" "$work/certs/key.pem" >"$work/gate.pem"

# Runs a command quietly, and says what it said if it fails.
passes() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "$name: $(basename "$1") finds nothing wrong"
    else
        cat "$work/said" >&2
        echo "$name: see above what $(basename "$1") says" >&2
        exit 1
    fi
}

export HUBGATE_1=127.0.0.1:8081 HUBGATE_2=127.0.0.1:8082 HUBGATE_3=127.0.0.1:8083 HUBGATE_NAME=localhost \
    HUBGATE_BIND=127.0.0.1:8080 HUBGATE_CA=$work/certs/ca.pem HUBGATE_PEM=$work/gate.pem HUBGATE_STATS=$work/stats
for file in config/haproxy/*.cfg; do
    sed "s#/certs/ca.pem#$work/certs/ca.pem#" "$file" >"$work/haproxy.cfg"
    passes "$file" /usr/sbin/haproxy -c -f "$work/haproxy.cfg"
done

for file in config/nginx/*.conf; do
    sed "s#/etc/hubgate/#$work/certs/#; s#/run/#$work/#" "$file" >"$work/nginx.conf"
    passes "$file" /usr/sbin/nginx -t -e stderr -c "$work/nginx.conf"
done

# The binary is where the unit's head says to install it, on the machine that runs it.
sed 's#/usr/local/bin/hubgate#/bin/true#' config/hubgate.service >"$work/hubgate.service"
passes config/hubgate.service systemd-analyze verify --man=no "$work/hubgate.service"
if [[ -s $work/said ]]; then
    cat "$work/said" >&2
    exit 1
fi

HUBGATE_ACCESS=open passes config/compose-replicas.yaml docker-compose -f config/compose-replicas.yaml config --quiet

# The schemas of Kubernetes and of GitHub Actions come with packages of PyPI.
config/python-env.sh .venv-deploy config/requirements/deploy.txt
for version in 1.27 1.34; do
    passes "config/kubernetes/hubgate.yaml ($version)" \
        .venv-deploy/bin/kubernetes-validate --strict --kubernetes-version "$version" config/kubernetes/hubgate.yaml
done
# The manifests that the documentation shows.
awk '/^```yaml$/ { getline; shown = /^apiVersion:/; if (shown) print "---" } /^```$/ { shown = 0 } shown' \
    docs/behind-a-load-balancer.md >"$work/shown.yaml"
passes "docs/behind-a-load-balancer.md" \
    .venv-deploy/bin/kubernetes-validate --strict --kubernetes-version 1.34 "$work/shown.yaml"
awk '/^```yaml$/ { getline; shown = /^apiVersion:/; if (shown) print "---" } /^```$/ { shown = 0 } shown' \
    docs/ci-without-secrets.md >"$work/shown.yaml"
passes "docs/ci-without-secrets.md" \
    .venv-deploy/bin/kubernetes-validate --strict --kubernetes-version 1.34 "$work/shown.yaml"
# The workflow of GitHub Actions there, by the schema that comes with the package.
awk '/^```yaml$/ { getline; shown = /^name:/ } /^```$/ { shown = 0 } shown' docs/ci-without-secrets.md >"$work/workflow.yaml"
grep -q "id-token: write" "$work/workflow.yaml"
passes "docs/ci-without-secrets.md (GitHub Actions)" \
    .venv-deploy/bin/check-jsonschema --builtin-schema vendor.github-workflows "$work/workflow.yaml"
passes "config/kubernetes" .venv-deploy/bin/python config/check_kubernetes.py config/kubernetes docs/SETTINGS.md
