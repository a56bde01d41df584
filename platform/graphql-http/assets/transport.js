// Sends operations, with their results as an asynchronous sequence.

/** Whether an operation may have more than one result. A text that only contains the word is sent in the same way. */
export const mayStream = (query) => /\bsubscription\b/.test(query);

/** The names of a document's operations. */
export const operationNames = (query) =>
  [...query.matchAll(/\b(?:query|mutation|subscription)\s+(\w+)/g)].map(([, name]) => name);

/** The headers of a request, without an authorization that has no token. */
function given(headers) {
  const hasValue = ([, value]) => value && !/^\s*(bearer)?\s*$/i.test(value);
  return Object.fromEntries(Object.entries(headers ?? {}).filter(hasValue));
}

/** The results of an operation. `return` of the sequence cancels it. */
export function run(operation, headers) {
  const cancelled = new AbortController();
  const results = receive(operation, headers, cancelled.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => results.next(),
    return() {
      // First, because `return` of a generator waits for what it awaits.
      cancelled.abort();
      return results.return();
    },
  };
}

async function* receive({ query, variables, operationName }, headers, signal) {
  // The document may have been replaced since the operation was named.
  const name = operationNames(query).includes(operationName) ? operationName : undefined;
  const accept = mayStream(query) ? "text/event-stream" : "application/graphql-response+json, application/json";
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { ...given(headers), accept, "content-type": "application/json" },
      body: JSON.stringify({ query, variables, operationName: name }),
      signal,
    });
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      yield* events(response.body);
    } else {
      yield await response.json();
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}

/** The results in an event stream of the protocol graphql-sse. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      throw new Error("The connection was closed before the operation was complete.");
    }
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const fields = new Map(event.split("\n").map((line) => line.split(/: ?(.*)/s)));
      if (fields.get("event") === "complete") {
        return;
      }
      if (fields.get("event") === "next") {
        yield JSON.parse(fields.get("data"));
      }
    }
  }
}
