//! Payment intents and refunds.

use serde_json::{Value, json};

/// An answer, and whether the request was executed: otherwise it is not stored for its key.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub executed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    pub taken: i64,
    pub given_back: i64,
    pub captures: usize,
}

#[derive(Default)]
pub struct Objects {
    intents: Vec<Intent>,
    refunds: Vec<Refund>,
}

struct Intent {
    id: String,
    amount: i64,
    currency: String,
    payment_method: String,
    metadata: Value,
    status: &'static str,
    declined: bool,
}

struct Refund {
    id: String,
    intent: String,
    amount: i64,
}

impl Reply {
    fn done(body: Value) -> Self {
        Self {
            status: 200,
            body,
            executed: true,
        }
    }

    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Self {
        let error = json!({ "type": kind, "code": code, "message": message });
        Self {
            status,
            body: json!({ "error": error }),
            executed: true,
        }
    }

    pub fn not_executed(self) -> Self {
        Self {
            executed: false,
            ..self
        }
    }
}

fn invalid(status: u16, code: &str) -> Reply {
    Reply::error(status, "invalid_request_error", code, "No.")
}

fn wrong_state() -> Reply {
    invalid(400, "payment_intent_unexpected_state")
}

impl Objects {
    pub fn create(&mut self, field: impl Fn(&str) -> Option<String>) -> Reply {
        let amount = field("amount").and_then(|text| text.parse().ok());
        let (Some(amount), Some(currency), Some(payment_method)) =
            (amount, field("currency"), field("payment_method"))
        else {
            return invalid(400, "parameter_missing").not_executed();
        };
        if amount < 50 {
            return invalid(400, "amount_too_small").not_executed();
        }
        let metadata = ["order_id", "shop_key"]
            .into_iter()
            .filter_map(|name| Some((name, field(&format!("metadata[{name}]"))?)))
            .collect();
        let id = format!("pi_{:06}", self.intents.len() + 1);
        self.intents.push(Intent {
            id: id.clone(),
            amount,
            currency,
            payment_method,
            metadata,
            status: "requires_confirmation",
            declined: false,
        });
        self.look(&id, false)
    }

    pub fn confirm(&mut self, id: &str) -> Reply {
        let Some(intent) = self.intents.iter_mut().find(|intent| intent.id == id) else {
            return invalid(404, "resource_missing");
        };
        if intent.status != "requires_confirmation" {
            return wrong_state();
        }
        intent.status = match intent.payment_method.as_str() {
            "pm_card_visa" => "succeeded",
            "pm_card_authenticationRequired" => "requires_action",
            "pm_slow" => "processing",
            _ => "requires_payment_method",
        };
        intent.declined = intent.status == "requires_payment_method";
        if intent.declined {
            let intent = intent.as_json(false, &self.refunds);
            let mut reply = Reply::error(402, "card_error", "card_declined", DECLINED);
            reply.body["error"]["decline_code"] = json!("generic_decline");
            reply.body["error"]["payment_intent"] = intent;
            return reply;
        }
        self.look(id, false)
    }

    pub fn cancel(&mut self, id: &str) -> Reply {
        let Some(intent) = self.intents.iter_mut().find(|intent| intent.id == id) else {
            return invalid(404, "resource_missing");
        };
        if !intent.status.starts_with("requires_") {
            return wrong_state();
        }
        intent.status = "canceled";
        self.look(id, false)
    }

    pub fn refund(&mut self, intent: &str) -> Result<Value, Reply> {
        let Some(paid) = self.intents.iter().find(|paid| paid.id == intent) else {
            return Err(invalid(404, "resource_missing"));
        };
        if paid.status != "succeeded" {
            return Err(invalid(400, "charge_not_refundable"));
        }
        if is_refunded(&self.refunds, intent) {
            return Err(invalid(400, "charge_already_refunded"));
        }
        let refund = Refund {
            id: format!("re_{:06}", self.refunds.len() + 1),
            intent: intent.to_owned(),
            amount: paid.amount,
        };
        let body = refund.as_json();
        self.refunds.push(refund);
        Ok(body)
    }

    pub fn refund_reply(&mut self, intent: &str) -> Reply {
        self.refund(intent).map_or_else(|error| error, Reply::done)
    }

    pub fn look(&self, id: &str, expand: bool) -> Reply {
        let intent = self.intents.iter().find(|intent| intent.id == id);
        intent.map_or_else(
            || invalid(404, "resource_missing"),
            |intent| Reply::done(intent.as_json(expand, &self.refunds)),
        )
    }

    pub fn list(&self, intent: Option<&str>) -> Reply {
        let of = |refund: &&Refund| intent.is_none_or(|intent| refund.intent == intent);
        let found: Vec<Value> = self
            .refunds
            .iter()
            .filter(of)
            .map(Refund::as_json)
            .collect();
        Reply::done(json!({
            "object": "list", "data": found, "has_more": false, "url": "/v1/refunds",
        }))
    }

    pub fn settle(&mut self, id: &str) {
        let intent = self.intents.iter_mut().find(|intent| intent.id == id);
        intent.expect("an intent").status = "succeeded";
    }

    pub fn money(&self) -> Money {
        let paid = self
            .intents
            .iter()
            .filter(|intent| intent.status == "succeeded");
        Money {
            taken: paid.clone().map(|intent| intent.amount).sum(),
            given_back: self.refunds.iter().map(|refund| refund.amount).sum(),
            captures: paid.count(),
        }
    }

    pub fn statuses(&self) -> Vec<(String, String)> {
        self.intents
            .iter()
            .map(|intent| (intent.id.clone(), intent.status.to_owned()))
            .collect()
    }
}

const DECLINED: &str = "Your card was declined.";

fn is_refunded(refunds: &[Refund], intent: &str) -> bool {
    refunds.iter().any(|refund| refund.intent == intent)
}

impl Intent {
    fn as_json(&self, expand: bool, refunds: &[Refund]) -> Value {
        let charge_id = self.id.replace("pi_", "ch_");
        let charge = match (self.status, expand) {
            ("succeeded", true) => json!({
                "id": charge_id, "object": "charge", "amount": self.amount,
                "refunded": is_refunded(refunds, &self.id),
            }),
            ("succeeded", false) => json!(charge_id),
            _ => Value::Null,
        };
        let error = self
            .declined
            .then(|| json!({ "type": "card_error", "code": "card_declined", "message": DECLINED }));
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount, "currency": self.currency,
            "payment_method": self.payment_method, "metadata": self.metadata, "status": self.status,
            "latest_charge": charge, "last_payment_error": error,
        })
    }
}

impl Refund {
    fn as_json(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "payment_intent": self.intent,
            "status": "succeeded",
        })
    }
}
