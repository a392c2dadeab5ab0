//! Which kind of event this is.

use lambda_http::request::LambdaRequest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Failure;

/// What is to be done.
pub(super) enum Event {
    /// A request is to be answered.
    Request(Box<LambdaRequest>),
    /// The background jobs are to be run.
    Jobs(Trigger),
}

/// What asks for the background jobs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A rule of EventBridge.
    Schedule,
    /// A batch of what must be told of one by one, by these names, if it failed: messages of a queue or records of a stream.
    Batch(Vec<String>),
}

/// What tells kinds of events apart. What they carry is of no interest: it may be anybody's.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "requestContext")]
    request: Option<IgnoredAny>,
    #[serde(rename = "detail-type")]
    rule: Option<IgnoredAny>,
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventSource")]
    source: Option<String>,
    #[serde(rename = "messageId")]
    message: Option<String>,
    dynamodb: Option<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "SequenceNumber")]
    number: String,
}

impl Record {
    fn into_name(self) -> Option<String> {
        match self.source.as_deref() {
            Some("aws:sqs") => self.message,
            Some("aws:dynamodb") => self.dynamodb.map(|change| change.number),
            _ => None,
        }
    }
}

/// Reads an event.
///
/// # Errors
/// It is of no kind that this program knows.
pub(super) fn read(payload: &RawValue) -> Result<Event, Failure> {
    // What serde says of a body that does not fit could repeat it, and it may hold a card number.
    let unknown = || Failure::from("an event of no kind that is known here");
    let marks: Marks = serde_json::from_str(payload.get()).map_err(|_| unknown())?;
    match marks {
        Marks { request: Some(_), .. } => {
            serde_json::from_str(payload.get()).map(|request| Event::Request(Box::new(request))).map_err(|_| unknown())
        }
        Marks { rule: Some(_), .. } => Ok(Event::Jobs(Trigger::Schedule)),
        Marks { records: Some(records), .. } => {
            let names: Option<Vec<String>> = records.into_iter().map(Record::into_name).collect();
            names.filter(|names| !names.is_empty()).map(|names| Event::Jobs(Trigger::Batch(names))).ok_or_else(unknown)
        }
        Marks { request: None, rule: None, records: None } => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trigger(event: &serde_json::Value) -> Option<Trigger> {
        let payload = serde_json::value::to_raw_value(event).unwrap();
        match read(&payload) {
            Ok(Event::Jobs(trigger)) => Some(trigger),
            Ok(Event::Request(_)) | Err(_) => None,
        }
    }

    #[test]
    fn a_schedule_a_queue_and_a_stream_ask_for_the_jobs() {
        let schedule = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
        assert_eq!(trigger(&schedule), Some(Trigger::Schedule));
        let queue = json!({"Records": [
            {"messageId": "a", "receiptHandle": "h", "body": "anything", "eventSource": "aws:sqs"},
            {"messageId": "b", "receiptHandle": "h", "body": "", "eventSource": "aws:sqs"}]});
        assert_eq!(trigger(&queue), Some(Trigger::Batch(vec!["a".to_owned(), "b".to_owned()])));
        let stream = json!({"Records": [
            {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": {"Keys": {}, "SequenceNumber": "111"}}]});
        assert_eq!(trigger(&stream), Some(Trigger::Batch(vec!["111".to_owned()])));
    }

    #[test]
    fn other_events_are_refused_without_repeating_them() {
        for event in [
            json!({}),
            json!("4242424242424242"),
            json!({"Records": []}),
            json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}),
            json!({"requestContext": {"http": "4242424242424242"}}),
        ] {
            let payload = serde_json::value::to_raw_value(&event).unwrap();
            let complaint = read(&payload).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(complaint, "an event of no kind that is known here", "{event}");
        }
    }
}
