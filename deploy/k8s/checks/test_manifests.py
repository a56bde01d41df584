"""The overlays pass the validators and the rules, and each of these finds what it is for."""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import yaml

import network
import rules
from manifests import FOLDER, OVERLAYS, Manifests, build

BINARIES = Path(os.environ["BINARIES"])
NODE_MODULES = os.environ["NODE_MODULES"]
# The oldest version with everything that the manifests use, and the newest with a schema.
KUBERNETES = ("1.32", "1.37")
RULES = (*rules.RULES, network.network_is_minimal)
BUILT = {overlay: build(overlay) for overlay in OVERLAYS}

# What checkov reports and why it is so, by check and object. Anything else fails, and so does an entry that is not needed.
OUR_PODS = (
    "Deployment client-service",
    "Deployment command-service",
    "Deployment query-service",
    "Job command-service-migrate",
    "Job query-service-migrate",
)
POSTGRESQL = ("StatefulSet postgresql",)
ACCEPTED = {
    "CKV_K8S_43": (
        "No digest: that of a release is not known to the commit which it is built from. The documentation says how to pin it.",
        {"development": OUR_PODS + POSTGRESQL, "staging": OUR_PODS, "production": OUR_PODS},
    ),
    "CKV_K8S_15": (
        "Images are not pulled always: those of development are loaded into the cluster, and no registry has them.",
        {"development": OUR_PODS + POSTGRESQL},
    ),
    "CKV_K8S_40": (
        "A user id below 10000: the image of PostgreSQL has its files owned by the user 999.",
        {"development": POSTGRESQL},
    ),
}


def run(*command, text=None):
    return subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True)


def objects(overlay):
    return [thing for thing in yaml.safe_load_all(BUILT[overlay]) if thing]


def is_custom(thing):
    return thing["apiVersion"].startswith("monitoring.coreos.com/")


def applications():
    return list(yaml.safe_load_all((FOLDER / "argo-cd/applications.yaml").read_text()))


def schema_problems(things, version):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(things, file)
        result = run(sys.executable, "-m", "kubernetes_validate", "--strict", "--quiet", "-k", version, file.name)
        return (result.stdout + result.stderr).strip() or ("" if result.returncode == 0 else "it failed without a word")


def custom_resource_problems(things):
    result = run("node", FOLDER / "checks/custom-resources.mjs", NODE_MODULES, text=json.dumps(things))
    return (result.stdout + result.stderr).strip()


def checkov_findings(things):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(things, file)
        options = ("--skip-download", "--quiet", "--framework", "kubernetes", "-o", "json", "-f", file.name)
        result = run(sys.executable, "-m", "checkov.main", *options)
    report = json.loads(result.stdout)
    if not report["summary"]["passed"]:
        raise AssertionError(f"checkov checked nothing: {result.stdout}")
    kind_and_name = (check["resource"].split(".") for check in report["results"]["failed_checks"])
    ids = (check["check_id"] for check in report["results"]["failed_checks"])
    return sorted((id_, f"{kind} {name}") for id_, (kind, _, name) in zip(ids, kind_and_name, strict=True))


class Overlays(unittest.TestCase):
    def for_each_overlay(self, check):
        for overlay in OVERLAYS:
            with self.subTest(overlay=overlay):
                check(overlay)

    def test_the_schemas_of_kubernetes_accept_them(self):
        def check(overlay):
            known = [thing for thing in objects(overlay) if not is_custom(thing)]
            self.assertEqual([schema_problems(known, version) for version in KUBERNETES], ["", ""])

        self.for_each_overlay(check)

    def test_the_definitions_of_custom_resources_accept_them(self):
        monitors = [thing for thing in objects("production") if is_custom(thing)]
        self.assertEqual(len(monitors), 3)
        self.assertEqual(custom_resource_problems([*monitors, *applications()]), "")

    def test_checkov_finds_what_is_accepted_and_nothing_else(self):
        def check(overlay):
            accepted = sorted((id_, name) for id_, (_, where) in ACCEPTED.items() for name in where.get(overlay, ()))
            self.assertEqual(checkov_findings(objects(overlay)), accepted)

        self.for_each_overlay(check)

    def test_the_rules_hold(self):
        def check(overlay):
            manifests = Manifests(objects(overlay))
            self.assertEqual([problem for rule in RULES for problem in rule(manifests, BINARIES)], [])

        self.for_each_overlay(check)

    def test_images_and_applications_are_of_this_version(self):
        workspace = tomllib.loads((FOLDER / "../../Cargo.toml").read_text())["workspace"]
        version = workspace["package"]["version"]
        for overlay in ("staging", "production"):
            for pod in Manifests(objects(overlay)).pods:
                image = pod.container["image"]
                self.assertTrue("@" in image or image.endswith(f":{version}"), image)
        [_, _, production] = applications()
        self.assertEqual(production["spec"]["source"]["targetRevision"], f"v{version}")

    def test_applications_lead_to_overlays_and_their_namespaces(self):
        found = 0
        for application in applications():
            if application["kind"] == "Application":
                path = FOLDER.parent.parent / application["spec"]["source"]["path"]
                namespace = Manifests.of(path.name).of_kind("Namespace")[0]["metadata"]["name"]
                self.assertEqual(application["spec"]["destination"]["namespace"], namespace)
                found += 1
        self.assertEqual(found, 2)

    def test_the_secrets_of_development_are_all_that_its_pods_mount(self):
        manifests = Manifests(objects("development"))
        printed = list(yaml.safe_load_all(run(FOLDER / "overlays/development/secrets").stdout))
        self.assertEqual(schema_problems(printed, KUBERNETES[-1]), "")
        made = {(thing["metadata"]["name"], key) for thing in printed for key in thing["stringData"]}
        read = {(secret, key) for pod in manifests.pods for _, secret, key in pod.secret_files()}
        self.assertEqual(made, read)
        [namespace] = manifests.of_kind("Namespace")
        namespaces = {thing["metadata"]["namespace"] for thing in printed}
        self.assertEqual(namespaces, {namespace["metadata"]["name"]})


def template(manifests, name, kind="Deployment"):
    return manifests.one(kind, name)["spec"]["template"]["spec"]


def container(manifests, name, kind="Deployment"):
    return template(manifests, name, kind)["containers"][0]


def config(manifests, prefix):
    [found] = [thing for thing in manifests.of_kind("ConfigMap") if thing["metadata"]["name"].startswith(prefix + "-")]
    return found["data"]


def policy(manifests, name):
    return manifests.one("NetworkPolicy", name)["spec"]


# How a manifest is broken, and what a rule then says about it.
BROKEN = [
    (lambda m: m.one("Service", "query-service")["spec"]["selector"].update(x="y"), "Service query-service selects no pod"),
    (
        lambda m: m.one("PodDisruptionBudget", "client-service")["spec"]["selector"]["matchLabels"].update(x="y"),
        "PodDisruptionBudget client-service selects no pod",
    ),
    (
        lambda m: policy(m, "postgresql-clients")["podSelector"]["matchExpressions"][0]["values"].append("gateway"),
        "NetworkPolicy postgresql-clients names gateway, and no pod has that name",
    ),
    (
        lambda m: m.one("HorizontalPodAutoscaler", "client-service")["spec"]["scaleTargetRef"].update(name="gateway"),
        "scales gateway, which is not there",
    ),
    (
        lambda m: m.one("Deployment", "client-service")["spec"]["selector"]["matchLabels"].update(x="y"),
        "Deployment client-service does not select its own pods",
    ),
    (
        lambda m: container(m, "command-service")["ports"].pop(),
        "Service command-service: Deployment command-service has no port metrics",
    ),
    (
        lambda m: m.one("Service", "client-service")["spec"]["ports"][0].update(name="web"),
        "Ingress client-service leads to client-service:http, which is not there",
    ),
    (
        lambda m: container(m, "query-service")["livenessProbe"]["httpGet"].update(port=9569),
        "its livenessProbe asks port 9569",
    ),
    (
        lambda m: m.one("ServiceMonitor", "query-service")["spec"]["selector"]["matchLabels"].update(x="y"),
        "ServiceMonitor query-service selects no Service",
    ),
    (
        lambda m: m.one("ServiceMonitor", "query-service")["spec"]["endpoints"][0].update(port="http"),
        "ServiceMonitor query-service: its Service has no port http",
    ),
    (
        lambda m: m.objects.remove(m.one("ServiceMonitor", "query-service")),
        "Deployment query-service has no ServiceMonitor",
    ),
    (lambda m: container(m, "client-service").pop("lifecycle"), "needs a preStop pause"),
    (
        lambda m: config(m, "client-service").update(SHUTDOWN_TIMEOUT_MS="25000"),
        "Deployment client-service is killed before 35.0 s",
    ),
    (lambda m: container(m, "client-service").pop("startupProbe"), "does not have three probes"),
    (
        lambda m: container(m, "command-service")["startupProbe"].update(failureThreshold=5),
        "restarted after 10000 ms, before its start gives up at 60000 ms",
    ),
    (
        lambda m: template(m, "query-service-migrate", "Job")["securityContext"].pop("runAsNonRoot"),
        "Job query-service-migrate lacks: runAsNonRoot",
    ),
    (
        lambda m: template(m, "client-service").update(enableServiceLinks=True),
        "Deployment client-service lacks: no variables of Services",
    ),
    (
        lambda m: m.of_kind("Namespace")[0]["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
        "does not enforce the restricted standard",
    ),
    (
        lambda m: container(m, "query-service").update(image="rust-cqrs/query-service"),
        "its image rust-cqrs/query-service names no release",
    ),
    (
        lambda m: container(m, "query-service").update(image="rust-cqrs/query-service:0.2.0"),
        "Job query-service-migrate has the image ghcr.io/example/rust-cqrs/query-service:0.1.0, which no Deployment has",
    ),
    (lambda m: config(m, "query-service").pop("MIGRATE"), "Deployment query-service would migrate the databases itself"),
    (
        lambda m: container(m, "query-service-migrate", "Job").update(args=["healthcheck"]),
        "Deployment query-service has no Job that migrates its databases",
    ),
    (
        lambda m: config(m, "query-service").update(SAGA_CALLS="1"),
        "Deployment query-service sets SAGA_CALLS, which query-service does not have",
    ),
    (lambda m: config(m, "query-service").update(AUTH="off"), "Deployment query-service serves without authentication"),
    (
        lambda m: m.objects.append({"kind": "Secret", "metadata": {"name": "service-secret"}}),
        "Secret service-secret is in the manifests",
    ),
    (
        lambda m: template(m, "client-service")["volumes"][0]["secret"].update(secretName="other"),
        "reads the key tls.crt of the Secret other: kubernetes.md has no row with both",
    ),
    (
        lambda m: container(m, "client-service")["volumeMounts"].pop(0),
        "reads /etc/rust-cqrs/tls/tls.crt, and no Secret is mounted there",
    ),
    (lambda m: m.one("Ingress", "client-service")["spec"].pop("tls"), "serves shop.example.com without TLS"),
    (
        lambda m: config(m, "client-service").update(ALLOWED_HOSTS="shop.example"),
        "rejects requests to shop.example.com: ALLOWED_HOSTS lacks it",
    ),
    (
        lambda m: m.objects.remove(m.one("NetworkPolicy", "client-service")),
        "from Deployment client-service to port 50051 of Deployment command-service: is not permitted",
    ),
    (
        lambda m: policy(m, "query-service")["ingress"][0]["ports"][0].update(port=50051),
        "from Deployment client-service to port 50052 of Deployment query-service: is not permitted",
    ),
    (
        lambda m: policy(m, "command-service")["ingress"][0].pop("from"),
        "from stranger in default to port 50051 of Deployment command-service: is permitted without need",
    ),
    (
        lambda m: policy(m, "postgresql-clients")["podSelector"]["matchExpressions"][0]["values"].pop(),
        "from Job query-service-migrate to port 5432 of a database server: is not permitted",
    ),
    (
        lambda m: policy(m, "dns").update(egress=[]),
        "from Deployment client-service to port 53 of the cluster's DNS: is not permitted",
    ),
    (
        lambda m: policy(m, "identity-provider")["egress"][0]["to"][0]["ipBlock"].pop("except"),
        "from Deployment client-service to port 443 of the cloud's metadata: is permitted without need",
    ),
    (
        lambda m: policy(m, "prometheus-to-query-service")["ingress"][0]["ports"][0].update(port=9569),
        "from prometheus in monitoring to port 9570 of Deployment query-service: is not permitted",
    ),
    (
        lambda m: config(m, "query-service").update(OTEL_EXPORTER_OTLP_ENDPOINT="http://opentelemetry-collector.monitoring:4318"),
        "from Deployment query-service to port 4318 of opentelemetry-collector in monitoring: is not permitted",
    ),
]


class Broken(unittest.TestCase):
    def test_each_broken_manifest_is_found_by_a_rule(self):
        for breaking, expected in BROKEN:
            with self.subTest(expected=expected):
                manifests = Manifests(objects("production"))
                breaking(manifests)
                changed = Manifests(manifests.objects)
                problems = [problem for rule in RULES for problem in rule(changed, BINARIES)]
                self.assertTrue(any(expected in problem for problem in problems), problems)

    def test_the_schemas_of_kubernetes_find_a_misspelt_field(self):
        [job, *_] = [thing for thing in objects("production") if thing["kind"] == "Job"]
        job["spec"]["backofLimit"] = 1
        self.assertIn("backofLimit", schema_problems([job], KUBERNETES[0]))

    def test_the_definitions_of_custom_resources_find_misspelt_fields_and_wrong_values(self):
        [monitor, *_] = [thing for thing in objects("production") if is_custom(thing)]
        monitor["spec"]["endpoints"][0].update(interval="often", pathh="/metrics")
        [_, application, _] = applications()
        application["spec"]["syncPolicy"]["automated"]["prune"] = "yes"
        problems = custom_resource_problems([monitor, application])
        for expected in ("interval must match pattern", "pathh", "prune must be boolean"):
            self.assertIn(expected, problems)

    def test_checkov_finds_a_privileged_container(self):
        manifests = Manifests(objects("production"))
        container(manifests, "client-service")["securityContext"]["privileged"] = True
        self.assertIn(("CKV_K8S_16", "Deployment client-service"), checkov_findings(manifests.objects))


if __name__ == "__main__":
    unittest.main()
