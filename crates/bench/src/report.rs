//! The tables, in Markdown: what was seen, and beside it what it should be.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::compare::Row;
use crate::figures::{Bytes, Latencies, Micros, Ratio, median};
use crate::growth::{Growth, Stage};
use crate::load::Measured;
use crate::overload::Curve;
use crate::postgres;
use crate::suite::{Findings, Point, USUAL_CONNECTIONS};
use crate::target::Kind;
use crate::webhooks::Seen;
use crate::workload::Workload;

/// Where a figure must lie.
#[derive(Clone, Copy)]
enum Bound<T> {
    AtLeast(T),
    AtMost(T),
}

impl<T: PartialOrd + std::fmt::Display> Bound<T> {
    fn mark(&self, figure: &T) -> &'static str {
        let met = match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        };
        if met { "✓" } else { "✗" }
    }
}

impl<T: std::fmt::Display> std::fmt::Display for Bound<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

/// A table that compares figures with their bounds.
struct Verdicts(String);

impl Verdicts {
    fn new() -> Self {
        Self("| what | target | seen | |\n| --- | --- | --- | --- |\n".to_owned())
    }

    fn row<T: PartialOrd + std::fmt::Display>(&mut self, what: &str, bound: &Bound<T>, seen: Option<T>) {
        let (seen, mark) = match seen {
            Some(figure) => (figure.to_string(), bound.mark(&figure)),
            None => ("not measured without failures".to_owned(), "✗"),
        };
        self.line(what, &bound.to_string(), &seen, mark);
    }

    fn note(&mut self, what: &str, seen: Option<String>) {
        self.line(what, "reported", &seen.unwrap_or_else(|| "not measured".to_owned()), "");
    }

    fn line(&mut self, what: &str, target: &str, seen: &str, mark: &str) {
        // Writing to a text cannot fail.
        let _infallible = writeln!(self.0, "| {what} | {target} | {seen} | {mark} |");
    }
}

/// What a point's rounds say together.
struct Middle {
    rate: u64,
    p50: Micros,
    p99: Micros,
    p999: Micros,
    cpu_each: Option<Micros>,
    failures: u64,
}

fn middle(rounds: &[Measured]) -> Option<Middle> {
    Some(Middle {
        rate: median(rounds.iter().map(Measured::rate))?,
        p50: median(rounds.iter().map(|m| m.latencies.p50()))?,
        p99: median(rounds.iter().map(|m| m.latencies.p99()))?,
        p999: median(rounds.iter().map(|m| m.latencies.p999()))?,
        cpu_each: median(rounds.iter().filter_map(Measured::cpu_each).map(Micros::from)),
        failures: rounds.iter().map(|m| m.refused.saturating_add(m.broken)).fold(0, u64::saturating_add),
    })
}

impl Findings {
    /// A point's figures; none if a request failed, because a server that fails can be fast.
    fn at(&self, workload: Workload, connections: Option<u64>, kind: Kind) -> Option<Middle> {
        middle(self.points.get(&Point { workload, connections, kind })?).filter(|seen| seen.failures == 0)
    }

    fn ratio(&self, of: (Workload, Kind), to: (Workload, Kind), connections: u64) -> Option<Ratio> {
        let part = self.at(of.0, Some(connections), of.1)?.rate;
        Ratio::of(part, self.at(to.0, Some(connections), to.1)?.rate)
    }

    fn memory_peak(&self) -> Option<u64> {
        let bursar = self.points.iter().filter(|(point, _)| point.kind == Kind::Bursar);
        bursar.flat_map(|(_, rounds)| rounds.iter().filter_map(|m| m.memory_peak)).max()
    }
}

/// Both tables of a run of the suite.
#[must_use]
pub fn suite(findings: &Findings) -> String {
    format!("### Against the targets\n\n{}\n### All points\n\n{}", verdicts(findings), points(findings))
}

/// The table of a comparison.
#[must_use]
pub fn comparison(rows: &[Row]) -> String {
    let mut table =
        "| scenario | build | answers/s | p50 | p99 | CPU an answer | failures |\n| --- | --- | --- | --- | --- | --- | --- |\n".to_owned();
    for row in rows {
        let Some(seen) = middle(&row.rounds) else { continue };
        let cpu = seen.cpu_each.map_or_else(|| "–".to_owned(), |cpu| format!("{} µs", cpu.0));
        let _infallible = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {cpu} | {} |",
            row.workload, row.build, seen.rate, seen.p50, seen.p99, seen.failures
        );
    }
    table
}

/// The table of payments beside pgbench's transactions.
#[must_use]
pub fn postgres(rows: &BTreeMap<u64, postgres::Row>) -> String {
    let mut table = "| clients | payments/s | p50 | p99 | CPU a payment | failures | TPC-B-like tps | payments ÷ tps |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (clients, row) in rows {
        let (Some(seen), Some(transactions)) = (middle(&row.payments), median(row.transactions.iter().copied())) else { continue };
        let cpu = seen.cpu_each.map_or_else(|| "–".to_owned(), |cpu| format!("{} µs", cpu.0));
        let ratio = Ratio::of(seen.rate, transactions).map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
        let _infallible = writeln!(
            table,
            "| {clients} | {} | {} | {} | {cpu} | {} | {transactions} | {ratio} |",
            seen.rate, seen.p50, seen.p99, seen.failures
        );
    }
    table
}

fn points(findings: &Findings) -> String {
    let mut table = "| scenario | connections | server | answers/s | p50 | p99 | p99.9 | CPU an answer | failures |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (point, rounds) in &findings.points {
        let Some(seen) = middle(rounds) else { continue };
        let connections = point.connections.map_or_else(|| "open loop, half of the maximum".to_owned(), |n| n.to_string());
        let cpu = seen.cpu_each.map_or_else(|| "–".to_owned(), |cpu| format!("{} µs", cpu.0));
        let _infallible = writeln!(
            table,
            "| {} | {connections} | {} | {} | {} | {} | {} | {cpu} | {} |",
            point.workload, point.kind, seen.rate, seen.p50, seen.p99, seen.p999, seen.failures
        );
    }
    table
}

fn verdicts(findings: &Findings) -> String {
    use Kind::{Bursar, Ceiling, Echo};
    use Workload::{List, ListByCustomer, Payments, Retrieve};
    let mut table = Verdicts::new();
    for (connections, bound) in [(64, 40), (256, 45)] {
        let ratio = findings.ratio((Payments, Bursar), (Payments, Ceiling), connections);
        let what = format!("payments ÷ ceiling, {connections} connections");
        table.row(&what, &Bound::AtLeast(Ratio(bound)), ratio);
    }
    let echo = findings.ratio((Payments, Bursar), (Payments, Echo), USUAL_CONNECTIONS);
    table.note("payments ÷ echo, 64 connections", echo.map(|ratio| ratio.to_string()));

    let open = findings.at(Payments, None, Bursar);
    let rate = median(findings.open_rates.iter().copied()).unwrap_or(0);
    let what = |quantile: &str| format!("payment {quantile} at {rate}/s (half of the maximum), open loop");
    table.row(&what("p50"), &Bound::AtMost(Micros(5_000)), open.as_ref().map(|m| m.p50));
    table.row(&what("p99"), &Bound::AtMost(Micros(25_000)), open.as_ref().map(|m| m.p99));

    let sync = median(findings.sync.iter().copied()).unwrap_or_default();
    let single = findings.at(Payments, Some(1), Bursar).map(|m| m.p50);
    let what = format!("payment p50, one connection (4 × {sync} for a 4 kB fdatasync + 1 ms)");
    table.row(&what, &Bound::AtMost(Micros(sync.0.saturating_mul(4).saturating_add(1000))), single);

    let against_echo = [
        ("retrieve ÷ echo", Retrieve, Retrieve, 60),
        ("first page of 20 ÷ echo", List, List, 25),
        ("first page of 20 by customer ÷ echo", ListByCustomer, ListByCustomer, 25),
    ];
    for (what, workload, echoed, bound) in against_echo {
        let ratio = findings.ratio((workload, Bursar), (echoed, Echo), USUAL_CONNECTIONS);
        table.row(what, &Bound::AtLeast(Ratio(bound)), ratio);
    }

    let disk = median(findings.disk_each.iter().copied()).map(Bytes);
    table.row("disk a payment", &Bound::AtMost(Bytes(5_000)), disk);
    let idle = median(findings.memory_idle.iter().copied()).map(Bytes);
    table.note("resident memory, idle, empty store", idle.map(|bytes| bytes.to_string()));
    table.row("resident memory, full load", &Bound::AtMost(Bytes(384 * 1024 * 1024)), findings.memory_peak().map(Bytes));
    let start = median(findings.start_empty.iter().copied());
    table.row("start to ready, empty store", &Bound::AtMost(Micros(500_000)), start);
    let killed = median(findings.start_killed.iter().copied());
    table.note("start to ready after SIGKILL, with the payments of a round", killed.map(|time| time.to_string()));
    let cpu = findings.at(Payments, Some(USUAL_CONNECTIONS), Bursar).and_then(|m| m.cpu_each);
    table.note("CPU a payment (server only)", cpu.map(|cpu| format!("{} µs", cpu.0)));
    table.note("binary", Some(Bytes(findings.binary).to_string()));
    table.0
}

/// The table of a growth run.
#[must_use]
pub fn growth(seen: &Growth) -> String {
    let clean = |rounds: &[Measured]| middle(rounds).filter(|seen| seen.failures == 0);
    let rate = |stage: &Stage| clean(&stage.pay).map(|m| m.rate);
    let list = |stage: &Stage| clean(&stage.list).map(|m| m.p99);
    let both = |a: Option<u64>, b: Option<u64>| a.zip(b).and_then(|(part, whole)| Ratio::of(part, whole));
    let mut table = Verdicts::new();
    let full = seen.full.payments;
    let paid = both(rate(&seen.full), rate(&seen.empty));
    table.row(&format!("payments/s at {full} payments ÷ empty"), &Bound::AtLeast(Ratio(80)), paid);
    let listed = both(list(&seen.full).map(|m| m.0), list(&seen.empty).map(|m| m.0));
    table.row(&format!("list p99 at {full} payments ÷ empty"), &Bound::AtMost(Ratio(125)), listed);
    for (name, stage) in [("empty", &seen.empty), ("full", &seen.full)] {
        table.note(&format!("payments/s, {name}"), rate(stage).map(|rate| rate.to_string()));
        table.note(&format!("list p99, {name}"), list(stage).map(|p99| p99.to_string()));
    }
    table.note("payments/s while filling", Some(seen.fill_rate.to_string()));
    table.row("disk a payment", &Bound::AtMost(Bytes(5_000)), seen.disk_each.map(Bytes));
    let idle = seen.memory_idle.map(Bytes);
    table.row("resident memory, idle after start", &Bound::AtMost(Bytes(64 * 1024 * 1024)), idle);
    table.row("resident memory, most", &Bound::AtMost(Bytes(384 * 1024 * 1024)), seen.memory_peak.map(Bytes));
    table.row("start to ready after SIGKILL", &Bound::AtMost(Micros(2_000_000)), Some(seen.start_killed));
    table.0
}

/// Webhooks: how soon, how many, and none missing.
#[must_use]
pub fn webhooks(seen: &Seen) -> String {
    let mut text = String::from("| webhooks | target | seen | |\n| --- | --- | --- | --- |\n");
    let mut row = |what: &str, target: String, figure: String, mark: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {what} | {target} | {figure} | {mark} |");
    };
    let (p50, soon) = (seen.alone.p50(), Bound::AtMost(Micros(20_000)));
    row("from an event to its delivery at low load, p50", "≤ 20 ms".to_owned(), p50.to_string(), soon.mark(&p50));
    row("the same, p99", String::new(), seen.alone.p99().to_string(), "");
    row("the same beside an endpoint that hangs, p50, p99", String::new(), both(&seen.beside_hanging), "");
    row("the same beside an endpoint that refuses, p50, p99", String::new(), both(&seen.beside_refusing), "");
    let enough = Bound::AtLeast(5_000_u64);
    row("deliveries/s to one endpoint that is back", "≥ 5000".to_owned(), seen.rate.to_string(), enough.mark(&seen.rate));
    let cpu = seen.cpu_each.map_or_else(|| "not measured".to_owned(), |cpu| format!("{} µs", cpu.as_micros()));
    row("CPU time of the server for each", String::new(), cpu, "");
    row("from its being back to the first delivery", String::new(), Micros::from(seen.back_after).to_string(), "");
    let none = Bound::AtMost(0_usize);
    row("events while it was down, two kills of the server", String::new(), seen.events.to_string(), "");
    row("of them never told to it", "0".to_owned(), seen.missing.to_string(), none.mark(&seen.missing));
    row("of them never told to the other endpoint", "0".to_owned(), seen.missing_healthy.to_string(), none.mark(&seen.missing_healthy));
    row("objects with a gap in their sequence", "0".to_owned(), seen.gaps.to_string(), none.mark(&seen.gaps));
    row("told more than once", String::new(), seen.again.to_string(), "");
    text
}

/// The curve of goodput.
#[must_use]
pub fn overload(curve: &Curve) -> String {
    let mut text = String::from("| offered | payments/s | p50 | p99 | turned away | broken |\n| --- | --- | --- | --- | --- | --- |\n");
    for point in &curve.points {
        let (multiple, offered, seen) = (point.multiple, point.offered, &point.measured);
        let (p50, p99) = (seen.latencies.p50(), seen.latencies.p99());
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {multiple} × ({offered}/s) | {} | {p50} | {p99} | {} | {} |", seen.rate(), seen.refused, seen.broken);
    }
    let least = Bound::AtLeast(Ratio(80));
    if let Some(left) = curve.left() {
        let _ = writeln!(
            text,
            "\nOf the peak of {} payments/s, {left} are left at the end (target ≥ 0.80): {}",
            curve.peak(),
            least.mark(&left)
        );
    }
    text
}

fn both(latencies: &Latencies) -> String {
    format!("{}, {}", latencies.p50(), latencies.p99())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Latencies;
    use std::time::Duration;

    fn measured(answers: u64, each: Duration) -> Measured {
        let mut latencies = Latencies::new().unwrap();
        for _ in 0..answers {
            latencies.record(each);
        }
        Measured {
            elapsed: Duration::from_secs(1),
            latencies,
            refused: 0,
            broken: 0,
            accepted_ever: answers,
            cpu: Some(Duration::from_millis(500)),
            memory_peak: Some(1024 * 1024),
        }
    }

    fn line<'a>(report: &'a str, what: &str) -> &'a str {
        report.lines().find(|line| line.starts_with(&format!("| {what}"))).unwrap()
    }

    #[test]
    fn a_figure_is_judged_by_the_median_of_its_rounds() {
        let mut findings = Findings::default();
        let ms = Duration::from_millis(1);
        let mut put = |kind, rates: [u64; 3]| {
            let point = Point { workload: Workload::Payments, connections: Some(64), kind };
            findings.points.insert(point, rates.iter().map(|rate| measured(*rate, ms)).collect());
        };
        put(Kind::Bursar, [39, 50, 10]);
        put(Kind::Ceiling, [100, 100, 100]);
        let report = suite(&findings);
        assert!(line(&report, "payments ÷ ceiling, 64").ends_with("| ≥ 0.40 | 0.39 | ✗ |"), "{report}");
        let point = Point { workload: Workload::Payments, connections: Some(64), kind: Kind::Bursar };
        findings.points.insert(point, vec![measured(40, ms)]);
        assert!(line(&suite(&findings), "payments ÷ ceiling, 64").ends_with("| 0.40 | ✓ |"));
        let mut failing = measured(90, ms);
        failing.refused = 1;
        findings.points.insert(point, vec![failing]);
        assert!(line(&suite(&findings), "payments ÷ ceiling, 64").ends_with("failures | ✗ |"));
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let report = suite(&Findings::default());
        assert!(line(&report, "disk a payment").ends_with("| not measured without failures | ✗ |"));
    }

    #[test]
    fn a_slower_full_store_is_seen() {
        let stage = |rate, millis| Stage {
            payments: 1000,
            pay: vec![measured(rate, Duration::from_millis(1))],
            list: vec![measured(10, Duration::from_millis(millis))],
        };
        let seen = Growth {
            empty: stage(100, 10),
            full: stage(79, 13),
            fill_rate: 1,
            start_killed: Micros(1),
            memory_idle: None,
            memory_peak: None,
            disk_each: None,
        };
        let report = growth(&seen);
        assert!(line(&report, "payments/s at 1000").ends_with("| 0.79 | ✗ |"), "{report}");
        assert!(line(&report, "list p99 at 1000").ends_with("✗ |"), "{report}");
    }
}
