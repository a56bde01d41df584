"""The programs of a pod, started on this machine as its manifest states: arguments, settings and mounted files."""

import json
import secrets
import subprocess
import threading
import time
from pathlib import Path

import trustme

from manifests import MOUNTS

# Of a start, and of whatever is waited for.
PATIENCE_SECONDS = 60


def wait_for(what, condition):
    """The first value of `condition` that is true. It may raise an OSError meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    problem = None
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except OSError as error:
            problem = error
        pause.wait(0.05)
    raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}: {problem}")


class Environment:
    """What the programs of one overlay share: the contents of Secrets, and the databases, which are SQLite files here."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.authority = trustme.CA()
        self.secrets = {}

    def content(self, secret, key):
        if (secret, key) not in self.secrets:
            self.secrets[secret, key] = self.make(secret, key)
        return self.secrets[secret, key]

    def make(self, secret, key):
        if key == "settings.toml":
            own = secret.removesuffix("-service-databases")
            urls = {table: f"sqlite://{self.folder}/{table}.db" for table in ("event_store", f"{own}_database")}
            return "".join(f'[{table}]\nurl = "{url}"\n' for table, url in urls.items()).encode()
        if key == "ca.crt":
            return self.authority.cert_pem.bytes()
        if key == "tls.crt":
            issued = self.authority.issue_cert(secret.removesuffix("-tls"), "127.0.0.1")
            self.secrets[secret, "tls.key"] = issued.private_key_pem.bytes()
            return b"".join(part.bytes() for part in issued.cert_chain_pems)
        return secrets.token_hex(32).encode()


class Program:
    """A program of ours with what its pod has. It listens on free ports of this machine."""

    def __init__(self, environment, binaries, pod, **changed):
        root = environment.folder / pod.name.replace(" ", "-")
        for path, secret, key in sorted(pod.secret_files()):
            file = root / path.removeprefix(MOUNTS)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(environment.content(secret, key))

        def local(text):
            return text.replace(MOUNTS, f"{root}/")

        settings = {name: local(value) for name, value in pod.settings.items()} | changed
        # The port of each address, as probes and Services name it.
        self.ports_of = {name: int(value.rpartition(":")[2]) for name, value in settings.items() if name.endswith("_ADDR")}
        settings |= {name: "127.0.0.1:0" for name in self.ports_of}
        self.settings = settings
        self.ports = {}
        self.pod = pod
        self.log = []
        self.process = subprocess.Popen(
            [binaries / pod.binary, *map(local, pod.arguments)],
            env=settings,
            cwd=environment.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.log.append(line)
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("message") == "listening":
                port = int(entry["listener.address"].rpartition(":")[2])
                self.ports[self.ports_of[entry["listener.name"]]] = port

    def port(self, name_or_number):
        """Where the container's port is on this machine."""
        number = self.pod.port(name_or_number)

        def found():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.pod.name} ended with {self.process.returncode}: {''.join(self.log)}")
            return self.ports.get(number)

        return wait_for(f"{self.pod.name} to listen on {name_or_number}", found)

    def ended(self):
        """The exit code, once it has ended."""
        code = self.process.wait(PATIENCE_SECONDS)
        self.reader.join()
        self.process.stdout.close()
        return code

    def stop(self):
        """Ends it as the kubelet does, and returns its exit code and how many seconds it took."""
        start = time.monotonic()
        self.process.terminate()
        code = self.ended()
        return code, time.monotonic() - start

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.ended()
