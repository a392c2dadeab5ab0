//! What may differ between what a client was told and what it finds later.

use serde_json::Value;

use crate::http::Answer;

/// Fields of a payment that nothing in these campaigns changes.
const FIXED: &[&str] =
    &["id", "object", "amount", "currency", "created", "livemode", "capture_method", "client_secret", "customer", "metadata"];

/// Whether the answer is the outcome of the request: neither "still in flight", "try again later" nor a failure
/// of the server.
pub(super) const fn is_final(answer: &Answer) -> bool {
    answer.status < 500 && answer.status != 409 && answer.status != 429
}

/// Whether a payment that a client was told is `from` may be `to` when no request of the client is open:
/// only what was `processing` goes on by itself.
pub(super) fn may_have_become(from: &str, to: &str) -> bool {
    from == to
        || from == "processing"
            && matches!(to, "requires_action" | "requires_payment_method" | "requires_capture" | "canceled" | "succeeded")
}

/// How a payment contradicts what a client was told of it; none if it does not.
pub(super) fn contradiction(told: &Value, found: &Value) -> Option<String> {
    let status = |object: &Value| object.get("status").and_then(Value::as_str).unwrap_or("no status").to_owned();
    let (from, to) = (status(told), status(found));
    if !may_have_become(&from, &to) {
        return Some(format!("was acknowledged as {from} and is {to}"));
    }
    let differing = if from == to && from != "processing" {
        first_difference(told, found)
    } else {
        FIXED.iter().find(|field| told.get(**field) != found.get(**field)).map(|field| (*field).to_owned())
    };
    differing.map(|field| format!("{from}: `{field}` is not what was acknowledged"))
}

/// The first field in which two objects differ.
pub(super) fn first_difference(told: &Value, found: &Value) -> Option<String> {
    let (Some(told), Some(found)) = (told.as_object(), found.as_object()) else {
        return (told != found).then(|| "object".to_owned());
    };
    let missing = found.keys().find(|field| !told.contains_key(*field));
    told.iter().find(|(field, value)| found.get(*field) != Some(*value)).map(|(field, _)| field).or(missing).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STATUSES: [&str; 7] =
        ["requires_payment_method", "requires_confirmation", "requires_action", "processing", "requires_capture", "canceled", "succeeded"];

    #[test]
    fn only_processing_moves_on_by_itself() {
        for from in STATUSES {
            for to in STATUSES {
                let expected = from == to || (from == "processing" && to != "requires_confirmation");
                assert_eq!(may_have_become(from, to), expected, "{from} → {to}");
            }
        }
    }

    #[test]
    fn a_settled_payment_is_found_exactly_as_told() {
        let told = json!({"id": "pi_1", "status": "succeeded", "amount": 5, "amount_received": 5});
        assert_eq!(contradiction(&told, &told), None);
        let mut found = told.clone();
        found["amount_received"] = json!(4);
        assert!(contradiction(&told, &found).unwrap().contains("amount_received"));
        found = told.clone();
        found["extra"] = json!(1);
        assert!(contradiction(&told, &found).unwrap().contains("extra"));
        found = told.clone();
        found["status"] = json!("processing");
        assert!(contradiction(&told, &found).unwrap().contains("is processing"));
    }

    #[test]
    fn a_processing_payment_keeps_what_is_fixed() {
        let told = json!({"id": "pi_1", "status": "processing", "amount": 5, "amount_received": 0});
        let mut found = json!({"id": "pi_1", "status": "succeeded", "amount": 5, "amount_received": 5});
        assert_eq!(contradiction(&told, &found), None);
        found["amount"] = json!(6);
        assert!(contradiction(&told, &found).unwrap().contains("`amount`"));
    }

    #[test]
    fn in_flight_busy_and_broken_are_no_outcomes() {
        for (status, expected) in [(200, true), (400, true), (402, true), (409, false), (429, false), (500, false), (503, false)] {
            assert_eq!(is_final(&Answer { status, body: Vec::new(), replayed: false }), expected, "{status}");
        }
    }
}
