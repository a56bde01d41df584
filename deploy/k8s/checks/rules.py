"""What must hold between the objects of an overlay, and between them, the programs and the documentation.

Each rule yields one line for each problem.
"""

import re
from functools import cache
from pathlib import Path
from subprocess import run

from manifests import FOLDER, matches

SECRETS_PAGE = (FOLDER / "../../docs/operations/kubernetes.md").resolve()
# Between the end of the drain limit and the kill: closing the last files, and a busy machine.
STOP_MARGIN_SECONDS = 5
# START_TIMEOUT_MS, where the manifests do not set it.
START_TIMEOUT_MS = 60_000


def selectors_select(manifests, _):
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        for thing in manifests.of_kind(kind):
            spec = thing["spec"]
            selector = spec.get("podSelector", spec["selector"] if kind != "NetworkPolicy" else {})
            selector = {"matchLabels": selector} if kind == "Service" else selector
            if not manifests.selected(selector):
                yield f"{kind} {thing['metadata']['name']} selects no pod"
            for expression in selector.get("matchExpressions", []):
                names = {pod.labels["app.kubernetes.io/name"] for pod in manifests.pods}
                for value in set(expression["values"]) - names:
                    yield f"{kind} {thing['metadata']['name']} names {value}, and no pod has that name"
    for thing in manifests.of_kind("HorizontalPodAutoscaler"):
        target = thing["spec"]["scaleTargetRef"]
        if target["name"] not in [found["metadata"]["name"] for found in manifests.of_kind(target["kind"])]:
            yield f"HorizontalPodAutoscaler {thing['metadata']['name']} scales {target['name']}, which is not there"
    for pod in manifests.pods:
        selector = pod.owner["spec"].get("selector", {})
        if not matches(selector, pod.labels):
            yield f"{pod.name} does not select its own pods"


def ports_exist(manifests, _):
    for service in manifests.of_kind("Service"):
        for port in service["spec"]["ports"]:
            for pod in manifests.backends(service):
                if pod.port(port["targetPort"]) is None:
                    yield f"Service {service['metadata']['name']}: {pod.name} has no port {port['targetPort']}"
    for ingress in manifests.of_kind("Ingress"):
        for service, port in ingress_backends(ingress):
            if not list(manifests.destinations(service, port)):
                yield f"Ingress {ingress['metadata']['name']} leads to {service}:{port}, which is not there"
    for pod in manifests.pods:
        for name, probe in probes(pod):
            port = (probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}).get("port")
            if port is not None and pod.port(port) is None:
                yield f"{pod.name}: its {name} asks port {port}, which the container does not have"


def ingress_backends(ingress):
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            service = path["backend"]["service"]
            yield service["name"], service["port"].get("name") or service["port"]["number"]


def probes(pod):
    names = ("startupProbe", "readinessProbe", "livenessProbe")
    return [(name, pod.container[name]) for name in names if name in pod.container]


def monitors_find_services(manifests, _):
    for monitor in manifests.of_kind("ServiceMonitor"):
        name = monitor["metadata"]["name"]
        found = [
            service
            for service in manifests.of_kind("Service")
            if matches(monitor["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        if not found:
            yield f"ServiceMonitor {name} selects no Service"
        for endpoint in monitor["spec"]["endpoints"]:
            for service in found:
                if endpoint["port"] not in [port["name"] for port in service["spec"]["ports"]]:
                    yield f"ServiceMonitor {name}: its Service has no port {endpoint['port']}"
    if manifests.of_kind("ServiceMonitor"):
        monitored = {monitor["metadata"]["name"] for monitor in manifests.of_kind("ServiceMonitor")}
        for pod in servers(manifests):
            if pod.binary not in monitored:
                yield f"{pod.name} has no ServiceMonitor"


def servers(manifests):
    return [pod for pod in manifests.pods if pod.owner["kind"] == "Deployment"]


def migrations(manifests):
    return [pod for pod in manifests.pods if pod.owner["kind"] == "Job"]


def times_fit(manifests, _):
    for pod in servers(manifests):
        pause = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if not pause:
            yield f"{pod.name} stops at once, while connections still arrive: it needs a preStop pause"
        needed = pause + int(pod.settings["SHUTDOWN_TIMEOUT_MS"]) / 1000 + STOP_MARGIN_SECONDS
        if pod.spec["terminationGracePeriodSeconds"] < needed:
            yield f"{pod.name} is killed before {needed} s, which stopping may take"
        if [name for name, _ in probes(pod)] != ["startupProbe", "readinessProbe", "livenessProbe"]:
            yield f"{pod.name} does not have three probes"
            continue
        startup = pod.container["startupProbe"]
        budget = startup["periodSeconds"] * startup["failureThreshold"] * 1000
        timeout = int(pod.settings.get("START_TIMEOUT_MS", START_TIMEOUT_MS))
        if "--config" in pod.arguments and budget <= timeout:
            yield f"{pod.name} is restarted after {budget} ms, before its start gives up at {timeout} ms"


def pods_are_restricted(manifests, _):
    for pod in manifests.pods:
        whole, container = pod.spec.get("securityContext", {}), pod.container.get("securityContext", {})
        wanted = {
            "runAsNonRoot": whole.get("runAsNonRoot") is True,
            "a numeric user other than 0": whole.get("runAsUser", 0) > 0,
            "seccompProfile RuntimeDefault": whole.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "allowPrivilegeEscalation: false": container.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": container.get("readOnlyRootFilesystem") is True,
            "no capabilities": container.get("capabilities") == {"drop": ["ALL"]},
            "no token of the API server": pod.spec.get("automountServiceAccountToken") is False,
            # They would have names of settings, such as COMMAND_SERVICE_PORT.
            "no variables of Services": pod.spec.get("enableServiceLinks") is False,
            "resources": set(pod.container.get("resources", {})) == {"requests", "limits"},
        }
        yield from (f"{pod.name} lacks: {what}" for what, is_there in wanted.items() if not is_there)
    for namespace in manifests.of_kind("Namespace"):
        if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"Namespace {namespace['metadata']['name']} does not enforce the restricted standard"


def releases_are_one(manifests, _):
    """Servers never migrate, a Job of the same image does, and every image has a tag that names a release."""
    images = {pod.container["image"] for pod in servers(manifests)}
    for pod in manifests.pods:
        image = pod.container["image"]
        tag = image.rpartition(":")[2]
        if ":" not in image or tag == "latest":
            yield f"{pod.name}: its image {image} names no release"
    for pod in migrations(manifests):
        if pod.container["image"] not in images:
            yield f"{pod.name} has the image {pod.container['image']}, which no Deployment has"
    for pod in servers(manifests):
        if "--config" in pod.arguments:
            if pod.settings.get("MIGRATE") != "off":
                yield f"{pod.name} would migrate the databases itself"
            jobs = [job for job in migrations(manifests) if job.arguments[:1] == ["migrate"]]
            if pod.container["image"] not in [job.container["image"] for job in jobs]:
                yield f"{pod.name} has no Job that migrates its databases"


def settings_are_known(manifests, binaries):
    for pod in manifests.pods:
        if pod.binary:
            for name in sorted(set(pod.settings) - known_settings(binaries / pod.binary)):
                yield f"{pod.name} sets {name}, which {pod.binary} does not have"
            if pod.owner["kind"] == "Deployment" and pod.settings.get("AUTH") != "jwt":
                yield f"{pod.name} serves without authentication"


@cache
def known_settings(binary: Path):
    text = run([binary, "--help"], check=True, capture_output=True, text=True).stdout
    return frozenset(re.findall(r"\[([A-Z][A-Z0-9_]+): ", text))


def secrets_are_documented(manifests, _):
    """A Secret is mounted where a setting expects its file, and the page for operators has both of its names."""
    rows = [line for line in SECRETS_PAGE.read_text().splitlines() if line.startswith("|")]
    for secret in manifests.of_kind("Secret"):
        yield f"Secret {secret['metadata']['name']} is in the manifests; values belong into no file of the repository"
    for pod in manifests.pods:
        for path, secret, key in pod.secret_files():
            if secret is None:
                yield f"{pod.name} reads {path}, and no Secret is mounted there"
            elif not any(f"`{secret}`" in row and f"`{key}`" in row for row in rows):
                yield f"{pod.name} reads the key {key} of the Secret {secret}: {SECRETS_PAGE.name} has no row with both"


def hosts_are_allowed(manifests, _):
    for ingress in manifests.of_kind("Ingress"):
        secured = {host for entry in ingress["spec"].get("tls", []) for host in entry["hosts"]}
        for rule in ingress["spec"]["rules"]:
            if rule["host"] not in secured:
                yield f"Ingress {ingress['metadata']['name']} serves {rule['host']} without TLS"
        for service, port in ingress_backends(ingress):
            for pod, _ in manifests.destinations(service, port):
                allowed = pod.settings.get("ALLOWED_HOSTS", "").split(",")
                for rule in ingress["spec"]["rules"]:
                    if pod.binary == "client-service" and rule["host"] not in allowed:
                        yield f"{pod.name} rejects requests to {rule['host']}: ALLOWED_HOSTS lacks it"


RULES = (
    selectors_select,
    ports_exist,
    monitors_find_services,
    times_fit,
    pods_are_restricted,
    releases_are_one,
    settings_are_known,
    secrets_are_documented,
    hosts_are_allowed,
)
