"""Validates a fake of Stripe with Stripe's own client library.

Usage: official_client.py BASE_URL SECRET_KEY

It prints how many checks passed.
"""

import sys
import urllib.parse
import urllib.request

import stripe

base, secret_key = sys.argv[1:]
checks = 0


def check(fact, what):
    global checks
    checks += 1
    if not fact:
        raise AssertionError(what)


def client(key=secret_key):
    return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=0)


def control(path, **parameters):
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(f"{base}/_control/{path}?{query}", method="POST")
    urllib.request.urlopen(request).close()


def raises(kind, call, what, **expected):
    try:
        call()
    except stripe.StripeError as error:
        check(type(error) is kind, f"{what}: {type(error).__name__}: {error}")
        for name, value in expected.items():
            check(getattr(error, name) == value, f"{what}: {name} is {getattr(error, name)!r}")
        return error
    raise AssertionError(f"{what}: no error")


shop = client()
intents = shop.v1.payment_intents
refunds = shop.v1.refunds


def create(key, amount=1234, method="pm_card_visa"):
    parameters = {
        "amount": amount,
        "currency": "usd",
        "payment_method": method,
        "payment_method_types": ["card"],
        "metadata": {"order_id": "o-1"},
    }
    return intents.create(parameters, {"idempotency_key": key})


def confirm(intent, key):
    return intents.confirm(intent, {}, {"idempotency_key": key})


def refund(intent, key):
    return refunds.create({"payment_intent": intent}, {"idempotency_key": key})


def the_life_of_an_intent():
    intent = create("life")
    check(intent.object == "payment_intent", "it is an intent")
    check(intent.status == "requires_confirmation", intent.status)
    check(intent.metadata["order_id"] == "o-1", "metadata are kept")
    paid = confirm(intent.id, "life-confirm")
    check(paid.status == "succeeded", paid.status)
    check(isinstance(paid.latest_charge, str), "a charge is an id")
    seen = intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    check(seen.latest_charge.refunded is False, "an expanded charge is an object")
    back = refund(intent.id, "life-refund")
    check(back.amount == 1234 and back.status == "succeeded", "all is refunded")
    seen = intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    check(seen.latest_charge.refunded is True, "the charge says so")
    listed = refunds.list({"payment_intent": intent.id, "limit": 10})
    check([one.id for one in listed.data] == [back.id], "the refund is listed")
    raises(stripe.InvalidRequestError, lambda: refund(intent.id, "life-twice"), "a second refund",
           code="charge_already_refunded", http_status=400)
    raises(stripe.InvalidRequestError, lambda: intents.cancel(intent.id), "cancel what is paid",
           code="payment_intent_unexpected_state")
    raises(stripe.InvalidRequestError, lambda: confirm(intent.id, "life-again"), "confirm what is paid",
           code="payment_intent_unexpected_state")


def cancelled():
    intent = create("cancelled")
    check(intents.cancel(intent.id).status == "canceled", "it is cancelled")
    raises(stripe.InvalidRequestError, lambda: confirm(intent.id, "cancelled-confirm"), "confirm it",
           code="payment_intent_unexpected_state")


def declined():
    intent = create("declined", method="pm_card_visa_chargeDeclined")
    error = raises(stripe.CardError, lambda: confirm(intent.id, "declined-confirm"), "a declined card",
                   code="card_declined", http_status=402)
    check(error.user_message == "Your card was declined.", error.user_message)
    seen = intents.retrieve(intent.id)
    check(seen.status == "requires_payment_method", seen.status)
    check(seen.last_payment_error.code == "card_declined", "the intent says why")
    raises(stripe.CardError, lambda: confirm(intent.id, "declined-confirm"), "the replay")


def errors():
    raises(stripe.AuthenticationError, lambda: client("sk_test_wrong").v1.refunds.list(), "a wrong key",
           http_status=401)
    raises(stripe.InvalidRequestError, lambda: intents.retrieve("pi_none"), "an unknown intent",
           code="resource_missing", http_status=404)
    raises(stripe.InvalidRequestError, lambda: create("small", amount=10), "a small amount",
           code="amount_too_small")
    # The answer of a request that failed validation is not stored for its key.
    check(create("small").amount == 1234, "the key is still free")


def the_same_key():
    first = create("same")
    again = create("same")
    check(again.id == first.id, "the first answer is replayed")
    check(again.last_response.headers.get("Idempotent-Replayed") == "true", "and says so")
    raises(stripe.IdempotencyError, lambda: create("same", amount=999), "other parameters", http_status=400)
    control("advance", seconds=25 * 3600)
    check(create("same").id != first.id, "a key is forgotten after a day")


def stored_failures():
    intent = create("failure")
    control("fault", on="confirm", kind="fail_after")
    raises(stripe.APIError, lambda: confirm(intent.id, "failure-1"), "the failure", http_status=500)
    raises(stripe.APIError, lambda: confirm(intent.id, "failure-1"), "its replay", http_status=500)
    check(intents.retrieve(intent.id).status == "succeeded", "it happened nevertheless")
    intent = create("failure-before")
    control("fault", on="confirm", kind="fail_before")
    raises(stripe.APIError, lambda: confirm(intent.id, "failure-2"), "the failure", http_status=500)
    raises(stripe.APIError, lambda: confirm(intent.id, "failure-2"), "its replay", http_status=500)
    check(intents.retrieve(intent.id).status == "requires_confirmation", "nothing happened")
    check(confirm(intent.id, "failure-3").status == "succeeded", "another key succeeds")


def not_executed():
    control("fault", on="create", kind="limit")
    raises(stripe.RateLimitError, lambda: create("limited"), "too many", http_status=429)
    check(create("limited").status == "requires_confirmation", "the answer was stored for the key")
    control("fault", on="create", kind="in_use")
    raises(stripe.APIError, lambda: create("used"), "a running request", http_status=409)
    check(create("used").status == "requires_confirmation", "nor was this")
    control("fault", on="create", kind="lose")
    raises(stripe.APIConnectionError, lambda: create("lost"), "a lost answer")
    check(create("lost").last_response.headers.get("Idempotent-Replayed") == "true", "it was kept")


for journey in (the_life_of_an_intent, cancelled, declined, errors, the_same_key, stored_failures, not_executed):
    journey()
print(f"{checks} checks")
