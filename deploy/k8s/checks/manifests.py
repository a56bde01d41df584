"""What kustomize builds from an overlay, and how objects refer to each other."""

import copy
import subprocess
import sys
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent.parent
OVERLAYS = ("development", "staging", "production")
# The files of Secrets and ConfigMaps are mounted here.
MOUNTS = "/etc/rust-cqrs/"


def build(overlay):
    kubectl = Path(sys.executable).parent / "kubectl"
    command = [kubectl, "kustomize", FOLDER / "overlays" / overlay]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def matches(selector, labels):
    """Whether a selector of labels, with values and expressions, selects these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise ValueError(f"the checks do not know the operator {expression['operator']}")
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


class Pod:
    """The pod of a Deployment, a StatefulSet or a Job, with the settings of its container."""

    def __init__(self, owner, config_maps):
        self.owner = owner
        self.name = f"{owner['kind']} {owner['metadata']['name']}"
        self.labels = owner["spec"]["template"]["metadata"]["labels"]
        self.spec = owner["spec"]["template"]["spec"]
        [self.container] = self.spec["containers"]
        self.settings = {}
        for source in self.container.get("envFrom", []):
            self.settings.update(config_maps[source["configMapRef"]["name"]]["data"])
        for variable in self.container.get("env", []):
            self.settings[variable["name"]] = variable["value"]

    @property
    def binary(self):
        """The program in the image, or None if it is not one of ours."""
        name = self.container["image"].split(":")[0].rsplit("/", 1)[-1]
        return name if name.endswith("-service") else None

    @property
    def arguments(self):
        return self.container.get("args", [])

    def port(self, name_or_number):
        """The number of a container's port, or None if there is no such port."""
        for port in self.container.get("ports", []):
            if name_or_number in (port["name"], port["containerPort"]):
                return port["containerPort"]
        return None

    def secret_files(self):
        """Each file that its settings and arguments name, with its Secret and key; the Secret is None if none has it."""
        secrets = {
            volume["name"]: volume["secret"]["secretName"]
            for volume in self.spec.get("volumes", [])
            if "secret" in volume
        }
        mounts = {
            mount["mountPath"]: secrets.get(mount["name"])
            for mount in self.container.get("volumeMounts", [])
        }
        files = [value for name, value in self.settings.items() if name.endswith("_FILE")]
        for path in [*files, *(argument for argument in self.arguments if argument.startswith("/"))]:
            folder, key = path.rsplit("/", 1)
            yield path, mounts.get(folder), key


class Manifests:
    def __init__(self, objects):
        self.objects = [copy.deepcopy(thing) for thing in objects if thing]
        config_maps = {thing["metadata"]["name"]: thing for thing in self.of_kind("ConfigMap")}
        owners = self.of_kind("Deployment") + self.of_kind("StatefulSet") + self.of_kind("Job")
        self.pods = [Pod(owner, config_maps) for owner in owners]

    @classmethod
    def of(cls, overlay):
        return cls(yaml.safe_load_all(build(overlay)))

    def of_kind(self, kind):
        return [thing for thing in self.objects if thing["kind"] == kind]

    def one(self, kind, name):
        [found] = [thing for thing in self.of_kind(kind) if thing["metadata"]["name"] == name]
        return found

    def selected(self, selector):
        return [pod for pod in self.pods if matches(selector, pod.labels)]

    def backends(self, service):
        return self.selected({"matchLabels": service["spec"]["selector"]})

    def destinations(self, service_name, port):
        """The pods of a Service, each with the number of the port that the Service's port (name or number) leads to."""
        for service in self.of_kind("Service"):
            if service["metadata"]["name"] == service_name:
                for entry in service["spec"]["ports"]:
                    if port in (entry["name"], entry["port"]):
                        yield from ((pod, pod.port(entry["targetPort"])) for pod in self.backends(service))
