"""Whether the manifests agree with each other and with hubgate, which no schema can say.

check_kubernetes.py DIRECTORY SETTINGS.md
"""

import pathlib
import re
import sys

import yaml


def documents(directory):
    for path in sorted(directory.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield (document["kind"], document["metadata"]["name"]), document


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def disagreements(manifests, settings):
    deployment = manifests["Deployment", "hubgate"]["spec"]
    pod = deployment["template"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    container = pod["containers"][0]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    scaling = manifests["HorizontalPodAutoscaler", "hubgate"]["spec"]
    budget = manifests["PodDisruptionBudget", "hubgate"]["spec"]
    service = manifests["Service", "hubgate"]["spec"]

    for name in environment:
        if f"`{name.removeprefix('HUBGATE_').lower()}`" not in settings:
            yield f"{name} is no setting of hubgate"
    for name, selector in [
        ("Deployment", deployment["selector"]["matchLabels"]),
        ("Service", service["selector"]),
        ("PodDisruptionBudget", budget["selector"]["matchLabels"]),
    ]:
        if not selector.items() <= labels.items():
            yield f"the {name} selects other Pods than the Deployment makes"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for name, setting in [("https", "HUBGATE_LISTEN"), ("admin", "HUBGATE_ADMIN_LISTEN")]:
        if not environment[setting].endswith(f":{ports[name]}"):
            yield f"{setting} is not the port {name}"
    if any(port["targetPort"] not in ports for port in service["ports"]):
        yield "the Service leads to a port that the container has not"
    draining = seconds(environment["HUBGATE_DRAIN_DELAY"]) + seconds(environment["HUBGATE_DRAIN_TIMEOUT"])
    if pod["terminationGracePeriodSeconds"] <= draining:
        yield f"Pods are killed while they drain, which takes up to {draining} s"
    if budget["minAvailable"] >= scaling["minReplicas"]:
        yield "no Pod may ever be evicted"
    mounted = {volume["secret"]["secretName"] for volume in pod["volumes"]}
    certificate = manifests["Certificate", "hubgate"]["spec"]
    if certificate["secretName"] not in mounted:
        yield "the certificate that cert-manager makes is not the one that is mounted"
    for (kind, name), manifest in manifests.items():
        if kind == "Certificate":
            issuer = manifest["spec"]["issuerRef"]
            if (issuer["kind"], issuer["name"]) not in manifests:
                yield f"the issuer of the certificate {name} is not here"
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    for name in ["HUBGATE_TOKEN_FILE", "HUBGATE_TLS_CERT", "HUBGATE_TLS_KEY"]:
        if str(pathlib.PurePosixPath(environment[name]).parent) not in mounts:
            yield f"{name} is in no mounted Secret"


def main(directory, settings):
    found = list(disagreements(dict(documents(pathlib.Path(directory))), pathlib.Path(settings).read_text()))
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)


main(*sys.argv[1:])
