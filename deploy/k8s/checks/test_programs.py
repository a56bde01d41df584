"""The programs run with the settings of each overlay, and serve what probes, Ingresses and ServiceMonitors ask for."""

import http.client
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from manifests import OVERLAYS, Manifests
from rules import ingress_backends, migrations, probes, servers
from running import Environment, Program, wait_for

BINARIES = Path(os.environ["BINARIES"])


def ask(port, path, method="GET", body=None, host="127.0.0.1", **headers):
    """The status and the body of an HTTP response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Host": host, "Content-Type": "application/json"} | headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def succeeds(program, probe):
    if "grpc" in probe:
        with grpc.insecure_channel(f"127.0.0.1:{program.port(probe['grpc']['port'])}") as channel:
            request = health_pb2.HealthCheckRequest(service=probe["grpc"].get("service", ""))
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)
            except grpc.RpcError as error:
                raise OSError(error.details()) from error
            return answer.status == health_pb2.HealthCheckResponse.SERVING
    status, _ = ask(program.port(probe["httpGet"]["port"]), probe["httpGet"]["path"])
    return 200 <= status < 400


class Programs(unittest.TestCase):
    def test_they_serve_what_the_manifests_ask_for(self):
        for overlay in OVERLAYS:
            with self.subTest(overlay=overlay):
                self.run_overlay(Manifests.of(overlay))

    def run_overlay(self, manifests):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        environment = Environment(folder)
        # One after the other: unlike on PostgreSQL, the write side alone makes the file of the event store.
        for pod in sorted(migrations(manifests), key=lambda pod: pod.name):
            job = Program(environment, BINARIES, pod)
            self.assertEqual(job.ended(), 0, job.log)
        running = self.start(environment, manifests)
        for program in running.values():
            for name, probe in probes(program.pod):
                wait_for(f"the {name} of {program.pod.name}", lambda: succeeds(program, probe))
        self.the_gateway_reaches_the_services(running["client-service"])
        self.ingresses_lead_to_something(manifests, running)
        self.metrics_are_served(manifests, running)
        for program in running.values():
            code, seconds = program.stop()
            self.assertEqual(code, 0, program.log)
            pause = program.pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]
            self.assertLess(seconds, program.pod.spec["terminationGracePeriodSeconds"] - pause)

    def start(self, environment, manifests):
        """The three servers. The gateway finds the services on this machine instead of by the names of their Services."""
        pods = {pod.binary: pod for pod in servers(manifests)}
        running = {}
        addresses = {}
        for name in ("command-service", "query-service"):
            running[name] = Program(environment, BINARIES, pods[name])
            self.addCleanup(running[name].kill)
            prefix = name.upper().replace("-", "_")
            port = pods["client-service"].settings[f"{prefix}_PORT"]
            [(target, number)] = manifests.destinations(pods["client-service"].settings[f"{prefix}_HOST"], int(port))
            self.assertIs(target, pods[name])
            addresses |= {f"{prefix}_HOST": "127.0.0.1", f"{prefix}_PORT": str(running[name].port(number))}
        running["client-service"] = Program(environment, BINARIES, pods["client-service"], **addresses)
        self.addCleanup(running["client-service"].kill)
        return running

    def the_gateway_reaches_the_services(self, gateway):
        def states():
            _, body = ask(gateway.port("http"), "/health")
            services = json.loads(body)["services"]
            return services["command_service"] == services["query_service"] == "serving"

        wait_for("the gateway to reach both services", states)

        def graphql(query, host="localhost", **headers):
            status, body = ask(gateway.port("http"), "/graphql", "POST", json.dumps({"query": query}), host, **headers)
            return status, json.loads(body)

        for host in gateway.pod.settings.get("ALLOWED_HOSTS", "localhost").split(","):
            # The read side serves the catalogue to everyone, and orders to no one without a token.
            status, answer = graphql("{ categories { id } }", host)
            self.assertEqual((status, answer["data"]), (200, {"categories": []}))
            self.assertEqual(graphql("{ orders { id } }", host)[0], 401)
        if "AUTH_JWT_SECRET_FILE" in gateway.settings:
            # As the documentation makes one.
            command = [BINARIES / "shop", "token", "--user", "root", "--role", "admin"]
            settings = {name: gateway.settings[name] for name in ("AUTH", "AUTH_JWT_SECRET_FILE")}
            token = subprocess.run(command, env=settings, check=True, capture_output=True, text=True).stdout.strip()
            create = 'mutation { createCategory(input: { name: "Tea" }) { name } }'
            status, answer = graphql(create, Authorization=f"Bearer {token}")
            self.assertEqual((status, answer["data"]), (200, {"createCategory": {"name": "Tea"}}))
            position = {"X-Min-Position": answer["extensions"]["position"]}
            self.assertEqual(graphql("{ categories { name } }", **position)[1]["data"], {"categories": [{"name": "Tea"}]})

    def ingresses_lead_to_something(self, manifests, running):
        for ingress in manifests.of_kind("Ingress"):
            [rule] = ingress["spec"]["rules"]
            [path] = rule["http"]["paths"]
            [(service, name)] = ingress_backends(ingress)
            [(pod, number)] = manifests.destinations(service, name)
            port = running[pod.binary].port(number)
            status, _ = ask(port, path["path"], "POST", "{}", rule["host"])
            self.assertNotIn(status, (403, 404, 405), ingress["metadata"]["name"])

    def metrics_are_served(self, manifests, running):
        for monitor in manifests.of_kind("ServiceMonitor"):
            [endpoint] = monitor["spec"]["endpoints"]
            [(pod, number)] = manifests.destinations(monitor["metadata"]["name"], endpoint["port"])
            status, body = ask(running[pod.binary].port(number), endpoint["path"])
            self.assertEqual(status, 200)
            self.assertIn(b"# TYPE process_start_time_seconds gauge", body)


class Broken(unittest.TestCase):
    def test_a_value_that_a_program_does_not_accept_ends_it(self):
        manifests = Manifests.of("staging")
        [pod] = [pod for pod in servers(manifests) if pod.binary == "command-service"]
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Environment(folder), BINARIES, pod, POOL_SIZE="8 connections")
            self.assertEqual(program.ended(), 2, program.log)
            self.assertIn("POOL_SIZE", "".join(program.log))

    def test_a_probe_of_another_path_or_protocol_does_not_succeed(self):
        manifests = Manifests.of("development")
        [pod] = [pod for pod in servers(manifests) if pod.binary == "client-service"]
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Environment(folder), BINARIES, pod)
            self.addCleanup(program.kill)
            self.assertTrue(succeeds(program, {"httpGet": {"path": "/health/live", "port": "http"}}))
            self.assertFalse(succeeds(program, {"httpGet": {"path": "/health/alive", "port": "http"}}))
            with self.assertRaises(OSError):
                succeeds(program, {"grpc": {"port": 4000}})
            self.assertEqual(program.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
