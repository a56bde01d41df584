-- What the simulated providers have done, by idempotency key. Times are Unix microseconds.
CREATE TABLE simulated_book (
    -- payment or shipping.
    kind             text NOT NULL,
    key              text NOT NULL,
    order_id         text NOT NULL,
    amount_cents     integer NOT NULL,
    -- done, refused, undone (it was done), closed (an undo came first).
    state            text   NOT NULL,
    -- The payment's id or the tracking number; of what was refused, the reason.
    reference        text   NOT NULL,
    -- The id of what reversed it, for when that happens.
    undo_reference   text   NOT NULL,
    -- How often the action came in.
    deliveries       integer NOT NULL,
    -- How often its undo did.
    undos            integer NOT NULL,
    created_at       integer NOT NULL,
    -- When an undo first came.
    undone_at        integer,
    PRIMARY KEY (kind, key)
);

-- For the totals of an order.
CREATE INDEX simulated_book_order ON simulated_book (kind, order_id);

-- Which payment intent of Stripe's belongs to which idempotency key.
CREATE TABLE stripe_payments (
    key              text PRIMARY KEY,
    order_id         text   NOT NULL,
    amount_cents     integer NOT NULL,
    -- Null until Stripe has answered the creation. It never changes afterwards; only this intent is confirmed.
    intent_id        text,
    -- The creation's next try goes under another key of Stripe's after an answer that Stripe would repeat for ever.
    create_try       integer NOT NULL,
    confirm_try      integer NOT NULL,
    refund_try       integer NOT NULL,
    -- True once an undo has come: then nothing is confirmed any more.
    closed           integer NOT NULL,
    created_at       integer NOT NULL
);

CREATE INDEX stripe_payments_intent ON stripe_payments (intent_id);

-- The events of Stripe's that have been seen.
CREATE TABLE stripe_events (
    event_id         text PRIMARY KEY,
    received_at      integer NOT NULL
);

-- For forgetting old ones.
CREATE INDEX stripe_events_received_at ON stripe_events (received_at);
