"""Who may connect to whom by the NetworkPolicies, next to who must be able to by the settings.

Both are computed for every pair of a program and a port, so that a missing policy and one that permits too much are found alike.
"""

import ipaddress
from urllib.parse import urlsplit

from manifests import matches
from rules import ingress_backends


class Place:
    """A pod, in this namespace or in another one, or an address outside of the cluster."""

    def __init__(self, name, namespace=None, labels=None, address=None):
        self.name, self.namespace, self.labels, self.address = name, namespace, labels or {}, address


def named(name, namespace):
    return Place(f"{name} in {namespace}", namespace, {"app.kubernetes.io/name": name})


DNS = Place("the cluster's DNS", "kube-system", {"k8s-app": "kube-dns"})
PROMETHEUS = named("prometheus", "monitoring")
COLLECTOR = named("opentelemetry-collector", "monitoring")
CONTROLLER = named("controller", "ingress-nginx")
STRANGER = named("stranger", "default")
INTERNET = Place("the internet", address="203.0.113.7")
METADATA = Place("the cloud's metadata", address="169.254.169.254")
DATABASE = Place("a database server", address="10.20.30.40")
OUTSIDE = (DNS, PROMETHEUS, COLLECTOR, CONTROLLER, STRANGER, INTERNET, METADATA, DATABASE)
OUTSIDE_PORTS = (53, 80, 443, 465, 4317, 4318, 5432, 8080)


def network_is_minimal(manifests, _):
    own = {id(pod): Place(pod.name, "own", pod.labels) for pod in manifests.pods}
    needed = set(needed_paths(manifests, own))
    policies = [policy["spec"] for policy in manifests.of_kind("NetworkPolicy")]
    targets = [(own[id(pod)], port["containerPort"]) for pod in manifests.pods for port in pod.container.get("ports", [])]
    targets += [(place, port) for place in OUTSIDE for port in OUTSIDE_PORTS]
    for source in [*own.values(), *OUTSIDE]:
        for target, port in targets:
            if source in OUTSIDE and target in OUTSIDE:
                continue
            is_needed = (source, target, port) in needed
            if is_needed != permitted(policies, source, target, port):
                verdict = "is not permitted" if is_needed else "is permitted without need"
                yield f"from {source.name} to port {port} of {target.name}: {verdict}"


def permitted(policies, source, target, port):
    return passes(policies, "Egress", source, target, port) and passes(policies, "Ingress", target, source, port)


def passes(policies, direction, pod, other, port):
    """Whether the policies of `pod` permit traffic with `other`. Those of other namespaces are not ours, and permit it."""
    if pod.namespace != "own":
        return True
    rules, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    applying = [p for p in policies if direction in p["policyTypes"] and matches(p["podSelector"], pod.labels)]
    if not applying:
        return True
    return any(
        (peers not in rule or any(is_peer(peer, other) for peer in rule[peers]))
        and ("ports" not in rule or port in [entry["port"] for entry in rule["ports"]])
        for policy in applying
        for rule in policy.get(rules, [])
    )


def is_peer(peer, place):
    if "ipBlock" in peer:
        if place.address is None:
            return False
        address = ipaddress.ip_address(place.address)
        block = peer["ipBlock"]
        excluded = [ipaddress.ip_network(network) for network in block.get("except", [])]
        return address in ipaddress.ip_network(block["cidr"]) and not any(address in network for network in excluded)
    if place.namespace is None:
        return False
    if "namespaceSelector" in peer:
        if not matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": place.namespace}):
            return False
    elif place.namespace != "own":
        return False
    return matches(peer.get("podSelector", {}), place.labels)


def needed_paths(manifests, own):
    """The paths that settings, ServiceMonitors and Ingresses need: source, target and the port of the target."""
    for pod in manifests.pods:
        place, settings = own[id(pod)], pod.settings
        yield place, DNS, 53
        for service in ("COMMAND_SERVICE", "QUERY_SERVICE"):
            if f"{service}_HOST" in settings:
                found = manifests.destinations(settings[f"{service}_HOST"], int(settings[f"{service}_PORT"]))
                yield from ((place, own[id(target)], port) for target, port in found)
        if "--config" in pod.arguments:
            servers = list(manifests.destinations("postgresql", 5432))
            yield from ((place, own[id(server)], port) for server, port in servers)
            if not servers:
                # Wherever it is: the manifests do not know.
                yield from ((place, target, 5432) for target in OUTSIDE)
        for name in ("AUTH_ISSUER", "PAYMENTS_URL", "SHIPPING_URL", "NOTIFICATIONS_URL"):
            scheme = urlsplit(settings.get(name, "")).scheme
            if scheme:
                yield place, INTERNET, 465 if scheme == "smtps" else 443
        if "OTEL_EXPORTER_OTLP_ENDPOINT" in settings:
            yield place, COLLECTOR, urlsplit(settings["OTEL_EXPORTER_OTLP_ENDPOINT"]).port
    for monitor in manifests.of_kind("ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            found = manifests.destinations(monitor["metadata"]["name"], endpoint["port"])
            yield from ((PROMETHEUS, own[id(target)], port) for target, port in found)
    for ingress in manifests.of_kind("Ingress"):
        for service, port in ingress_backends(ingress):
            found = manifests.destinations(service, port)
            yield from ((CONTROLLER, own[id(target)], number) for target, number in found)
