//! Figures for CloudWatch, as lines of the log that it reads figures from (its embedded metric format).

use std::io::Write as _;
use std::time::Duration;

use domain::time::Timestamp;
use payments::jobs::due::Ran;
use serde_json::{Value, json};

/// Where CloudWatch shows them.
const NAMESPACE: &str = "Bursar";
const MILLIS_A_SECOND: i64 = 1_000;

/// A line of figures about one environment; each with its unit.
fn line(environment: &str, at: Timestamp, figures: &[(&str, &str, Value)]) -> Value {
    let metrics: Vec<Value> = figures.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at.millis(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Environment"]], "Metrics": metrics}],
        },
        "Environment": environment,
    });
    if let Some(line) = line.as_object_mut() {
        line.extend(figures.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())));
    }
    line
}

/// Of a request that was answered.
pub(super) fn of_request(environment: &str, at: Timestamp, status: u16, took: Duration) -> Value {
    let failed = |is: bool| json!(u8::from(is));
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    line(
        environment,
        at,
        &[
            ("Requests", "Count", json!(1)),
            ("ClientErrors", "Count", failed((400..500).contains(&status))),
            ("ServerErrors", "Count", failed(status >= 500)),
            ("Latency", "Microseconds", json!(micros)),
        ],
    )
}

/// Of a run of the background jobs. Nothing is said of open operations where another process looks after them.
pub(super) fn of_jobs(environment: &str, ran: &Ran, at: Timestamp) -> Value {
    let mut figures = vec![
        ("Recovered", "Count", json!(ran.recovered)),
        ("WaitsSettled", "Count", json!(ran.waits_settled)),
        ("NoticesHeard", "Count", json!(ran.notices_heard)),
        ("LinesSummedUp", "Count", json!(ran.lines_summed_up)),
        ("RowsSealed", "Count", json!(ran.rows_sealed)),
        ("RecordsExpired", "Count", json!(ran.records_expired)),
        ("DeliveriesBegun", "Count", json!(ran.deliveries_begun)),
        ("JobsFailed", "Count", json!(ran.failed)),
        ("RunsCut", "Count", json!(u8::from(ran.cut))),
    ];
    if let Some(left) = ran.left_open {
        let age = left.oldest.map_or(0, |oldest| at.millis_since(oldest).max(0)) / MILLIS_A_SECOND;
        figures.push(("OpenOperations", "Count", json!(left.objects)));
        figures.push(("OldestOpenOperationAge", "Seconds", json!(age)));
    }
    line(environment, at, &figures)
}

/// Says a line. Where that is not possible there is nobody to tell of it, either.
pub(super) fn write(line: &Value) {
    let mut text = line.to_string();
    text.push('\n');
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use payments::jobs::recover::LeftOpen;

    use super::*;

    /// Every figure that is named is there, and the other way round.
    fn is_whole(line: &Value) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let mut named: Vec<&str> = directive["Metrics"].as_array().unwrap().iter().map(|m| m["Name"].as_str().unwrap()).collect();
        named.extend(["_aws", "Environment"]);
        named.sort_unstable();
        let mut there: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        there.sort_unstable();
        assert_eq!(named, there);
        assert_eq!(directive["Dimensions"], json!([["Environment"]]));
        assert!(line["_aws"]["Timestamp"].is_i64());
    }

    #[test]
    fn a_request_is_counted_once_with_its_status_and_time() {
        for (status, client, server) in [(200, 0, 0), (402, 1, 0), (503, 0, 1)] {
            let line = of_request("test", Timestamp::from_millis(5), status, Duration::from_micros(1_234));
            is_whole(&line);
            assert_eq!((&line["ClientErrors"], &line["ServerErrors"]), (&json!(client), &json!(server)), "{status}");
            assert_eq!((&line["Requests"], &line["Latency"]), (&json!(1), &json!(1_234)));
        }
    }

    #[test]
    fn the_oldest_open_operation_is_told_where_it_is_known() {
        let left_open = Some(LeftOpen { objects: 2, oldest: Some(Timestamp::from_millis(1_000)) });
        let line = of_jobs("test", &Ran { left_open, ..Ran::default() }, Timestamp::from_millis(61_000));
        is_whole(&line);
        assert_eq!((&line["OpenOperations"], &line["OldestOpenOperationAge"]), (&json!(2), &json!(60)));
        let line = of_jobs("test", &Ran::default(), Timestamp::from_millis(61_000));
        is_whole(&line);
        assert_eq!(line.get("OldestOpenOperationAge"), None);
    }
}
