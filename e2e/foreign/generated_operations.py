"""Operations that schemathesis generates from the schema, valid and invalid ones, against a running gateway.

    python generated_operations.py HOST:PORT [SEED]

Each response must follow GraphQL over HTTP, fit the schema, and have no code but those of a client's fault. An operation
that fits the schema is not rejected as invalid, and one that does not is.

Prints the number of operations, and how often each code came.
"""

import json
import os
import random
import sys
from collections import Counter
from datetime import datetime

# Hypothesis keeps tables of characters, by default next to this file, where they would be taken for sources.
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.path.join(sys.prefix, "hypothesis")

import graphql
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.graphql import nodes

HOST = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
URL = f"http://{HOST}/graphql"
MEDIA = "application/graphql-response+json"
# For each field of Query and Mutation.
EXAMPLES = {GenerationMode.POSITIVE: 11, GenerationMode.NEGATIVE: 4}

# The codes of the contract for what the client did, by whether the operation was executed.
EXECUTED = {"NOT_FOUND", "VALIDATION_ERROR", "CONFLICT", "BAD_REQUEST"}
INVALID = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
TOO_LARGE = {"QUERY_TOO_DEEP", "QUERY_TOO_COMPLEX", "PAYLOAD_TOO_LARGE"}

schemathesis.graphql.scalar(
    "Decimal", st.decimals(min_value=-10, max_value=10**7, places=2).map(lambda it: nodes.Float(str(it)))
)
schemathesis.graphql.scalar(
    "DateTime",
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)).map(
        lambda it: nodes.String(it.isoformat() + "Z")
    ),
)

# Ids of rows that exist, which generated ones are replaced with. What mutations return is added.
KNOWN = {"category": [], "product": [], "order": [], "user": ["ann"]}
SUBJECTS = {
    "id": ("category", "product", "order"),
    "categoryId": ("category",),
    "productId": ("product",),
    "productIds": ("product",),
    "orderId": ("order",),
    "userId": ("user",),
}


class KnownIds(graphql.Visitor):
    """Replaces most ids by known ones."""

    def __init__(self, choice):
        super().__init__()
        self.choice = choice

    def enter_argument(self, node, *_):
        return self.replace(node)

    def enter_object_field(self, node, *_):
        return self.replace(node)

    def replace(self, node):
        if node.name.value not in SUBJECTS or not isinstance(node.value, (graphql.StringValueNode, graphql.IntValueNode)):
            return None
        known = [id for kind in SUBJECTS[node.name.value] for id in KNOWN[kind]]
        if not known or self.choice.random() < 0.2:
            return None
        value = graphql.StringValueNode(value=self.choice.choice(known))
        return type(node)(name=node.name, value=value)


@schemathesis.hook("map_body")
def with_known_ids(context, body):
    # The same operation gets the same ids.
    return graphql.visit(body, KnownIds(random.Random(graphql.print_ast(body))))


def require(condition, message):
    if not condition:
        raise AssertionError(message)


class Response:
    """A response to an operation, as the schema and GraphQL over HTTP require it."""

    def __init__(self, schema, document):
        self.schema = schema
        self.document = document
        self.fragments = {it.name.value: it for it in document.definitions if hasattr(it, "type_condition")}
        self.failed = set()

    def check(self, response):
        require(response.headers["content-type"][0].split(";")[0] == MEDIA, f"media type {response.headers}")
        body = response.json()
        require(isinstance(body, dict) and body.keys() <= {"data", "errors", "extensions"}, f"keys {list(body)}")
        errors = body.get("errors", [])
        require("errors" not in body or errors, "errors is empty")
        for error in errors:
            self.check_error(error, "data" in body)
        if "data" in body:
            require(response.status_code == 200, f"status {response.status_code} with data")
            require(body["data"] is not None or errors, "no data and no error")
            if body["data"] is not None:
                operation = next(it for it in self.document.definitions if hasattr(it, "operation"))
                root = self.schema.get_root_type(operation.operation)
                self.check_object(root, [operation.selection_set], body["data"], ())
        else:
            require(400 <= response.status_code < 500, f"status {response.status_code} without data")
            require(errors, "neither data nor errors")
        return [error["extensions"]["code"] for error in errors]

    def check_error(self, error, is_executed):
        require(isinstance(error["message"], str) and error["message"], f"message of {error}")
        require(error.keys() <= {"message", "locations", "path", "extensions"}, f"keys of {error}")
        datetime.fromisoformat(error["extensions"]["timestamp"].replace("Z", "+00:00"))
        for location in error.get("locations", []):
            require(location["line"] > 0 and location["column"] > 0, f"location of {error}")
        require(is_executed == ("path" in error), f"an error has a path if, and only if, the operation ran: {error}")
        self.failed.add(tuple(error.get("path", ())))
        allowed = EXECUTED if is_executed else INVALID | TOO_LARGE | {"BAD_REQUEST"}
        require(error["extensions"]["code"] in allowed, f"code of {error}")

    def check_value(self, ty, selections, value, path):
        if isinstance(ty, graphql.GraphQLNonNull):
            require(value is not None, f"null at {path}")
            ty = ty.of_type
        if value is None:
            return
        if isinstance(ty, graphql.GraphQLList):
            require(isinstance(value, list), f"not a list at {path}")
            for number, item in enumerate(value):
                self.check_value(ty.of_type, selections, item, (*path, number))
        elif graphql.is_composite_type(ty):
            self.check_object(ty, selections, value, path)
        elif isinstance(ty, graphql.GraphQLEnumType):
            require(value in ty.values, f"{value} at {path}")
        else:
            expected = {"Int": int, "Float": (int, float), "Decimal": (int, float), "Boolean": bool}.get(ty.name, str)
            require(isinstance(value, expected), f"{value!r} is no {ty} at {path}")

    def check_object(self, ty, selections, value, path):
        require(isinstance(value, dict), f"not an object at {path}")
        if graphql.is_abstract_type(ty):
            # Which one it is, the response says only if it was asked.
            return
        fields = {}
        for selection in selections:
            self.collect(ty, selection, fields)
        require(list(value) == list(fields), f"{list(value)} in place of {list(fields)} at {path}")
        for key, nodes_of_key in fields.items():
            name = nodes_of_key[0].name.value
            if name == "__typename":
                require(value[key] == ty.name, f"{value[key]} at {path}")
                continue
            below = [node.selection_set for node in nodes_of_key if node.selection_set]
            self.check_value(ty.fields[name].type, below, value[key], (*path, key))

    def collect(self, ty, selection_set, fields):
        for node in selection_set.selections:
            if isinstance(node, graphql.FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, graphql.FragmentSpreadNode):
                node = self.fragments[node.name.value]
            condition = node.type_condition and self.schema.get_type(node.type_condition.name.value)
            if condition is None or condition is ty or (
                graphql.is_abstract_type(condition) and self.schema.is_sub_type(condition, ty)
            ):
                self.collect(ty, node.selection_set, fields)


def prepare():
    """Writes rows for the operations to find."""

    def run(kind, document):
        response = requests.post(URL, json={"query": document}, timeout=30).json()
        require("errors" not in response, response)
        KNOWN[kind].append(response["data"]["made"]["id"])

    for number in range(3):
        run("category", f'mutation {{ made: createCategory(input: {{name: "C{number}"}}) {{ id }} }}')
        place = f'categoryId: "{KNOWN["category"][number]}", stockQuantity: 50'
        run("product", f'mutation {{ made: createProduct(input: {{name: "P{number}", price: 19.90, {place}}}) {{ id }} }}')
        items = f'[{{productId: "{KNOWN["product"][number]}", quantity: 1}}]'
        run("order", f'mutation {{ made: createOrder(input: {{userId: "ann", items: {items}}}) {{ id }} }}')


def main():
    prepare()
    schema = schemathesis.graphql.from_url(URL)
    client_schema = schema.client_schema
    counts = Counter()

    def send(case):
        response = case.call(headers={"Accept": MEDIA})
        is_valid = not graphql.validate(client_schema, graphql.parse(case.body))
        codes = Response(client_schema, graphql.parse(case.body)).check(response)
        is_rejected = bool(INVALID & set(codes))
        counts["valid" if is_valid else "invalid"] += 1
        for code in set(codes) or {"without errors"}:
            counts[code] += 1
        require(not is_valid or not is_rejected, f"it is valid, and was rejected: {response.json()}")
        require(is_valid or is_rejected or TOO_LARGE & set(codes), f"it is invalid: {response.json()}")
        remember(case.operation.label, response.json().get("data"))

    for result in schema.get_all_operations():
        operation = result.ok()
        for mode, examples in EXAMPLES.items():
            generate = settings(
                max_examples=examples,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )

            @seed(SEED)
            @generate
            @given(operation.as_strategy(generation_mode=mode))
            def run(case):
                try:
                    send(case)
                except Exception as error:
                    raise AssertionError(f"{operation.label}: {error}\n{case.body}") from error

            run()
    total = counts.pop("valid") + counts.pop("invalid")
    print(f"{total} operations: {json.dumps(counts)}")


def remember(label, data):
    kind = {"Mutation.createCategory": "category", "Mutation.createProduct": "product", "Mutation.createOrder": "order"}
    if label in kind and data:
        made = next(iter(data.values()))
        if isinstance(made, dict) and "id" in made:
            KNOWN[kind[label]].append(made["id"])


if __name__ == "__main__":
    main()
