-- The ledger of the simulated providers, by idempotency key. Times are Unix microseconds.
CREATE TABLE simulated_book (
    -- payment or shipping.
    kind             text NOT NULL,
    key              text NOT NULL,
    order_id         text NOT NULL,
    amount_cents     integer NOT NULL,
    -- done, declined, compensated (it was done before), closed (the undo arrived first).
    state            text   NOT NULL,
    -- The payment's id or the tracking number; if it was declined, the reason.
    reference        text   NOT NULL,
    -- The id of its undo, if it is undone.
    undo_reference   text   NOT NULL,
    -- How often the action arrived.
    deliveries       integer NOT NULL,
    -- How often its undo arrived.
    undos            integer NOT NULL,
    created_at       integer NOT NULL,
    -- When the first undo arrived.
    undone_at        integer,
    PRIMARY KEY (kind, key)
);

-- For the totals of an order.
CREATE INDEX simulated_book_order ON simulated_book (kind, order_id);

-- The payment intent at Stripe of each idempotency key.
CREATE TABLE stripe_payments (
    key              text PRIMARY KEY,
    order_id         text   NOT NULL,
    amount_cents     integer NOT NULL,
    -- Null until Stripe has answered the creation. It never changes afterwards; only this intent is confirmed.
    intent_id        text,
    -- Part of the idempotency keys at Stripe; incremented after an answer that Stripe would replay for the same key.
    create_try       integer NOT NULL,
    confirm_try      integer NOT NULL,
    refund_try       integer NOT NULL,
    -- Set by an undo: nothing is confirmed any more.
    closed           integer NOT NULL,
    created_at       integer NOT NULL
);

CREATE INDEX stripe_payments_intent ON stripe_payments (intent_id);

-- The events received from Stripe.
CREATE TABLE stripe_events (
    event_id         text PRIMARY KEY,
    received_at      integer NOT NULL
);

-- For deleting old rows.
CREATE INDEX stripe_events_received_at ON stripe_events (received_at);
