"""Signs the body of a webhook with Stripe's own client library, and has the library verify the signature.

Usage: official_signature.py SECRET SECONDS BODY

It prints the header.
"""

import sys

import stripe

secret, seconds, body = sys.argv[1:]
signature = stripe.WebhookSignature._compute_signature(f"{seconds}.{body}", secret)
header = f"t={seconds},v1={signature}"
# Without a tolerance, because the time is the test's.
stripe.WebhookSignature.verify_header(body, header, secret, None)
print(header)
