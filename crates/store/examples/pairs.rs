//! How fast payment-like pairs of commits are, and what they cost.
//!
//! `cargo run --release -p bursar-store --example pairs -- [callers] [seconds] [directory]`
//! With `AT_BEST=1` in the environment it writes the same bytes as two appended records instead.
//!
//! A pair is what a card payment writes: first a commit of two named and two new records and three list entries,
//! then one of nine records (three of them updates), six list entries and one removal. Every caller waits for
//! each answer before it goes on, as HTTP handlers do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::float_arithmetic, clippy::cast_precision_loss)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::id::{AccountId, Ulid, UlidSequence};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;
use store::embedded::{Embedded, Options};
use store::{Batch, Index, Key, Kind, List, Order, Precondition, Scan, Store};

/// How often the rate so far is printed, in seconds.
const INTERVAL: u64 = 20;
const INTENT: usize = 700;
const CHARGE: usize = 700;
const EVENT: usize = 400;
const SMALL: usize = 300;

struct Ids {
    sequence: parking_lot::Mutex<UlidSequence>,
    random: AtomicU64,
}

impl Ids {
    fn next(&self) -> Ulid {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let millis = i64::try_from(now.as_millis()).unwrap();
        // An odd constant: enough spread for a benchmark.
        let random = self.random.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.sequence.lock().next(Timestamp::from_millis(millis), random)
    }
}

fn body(length: usize, seed: Ulid) -> Vec<u8> {
    let mut body = format!("{{\"id\":\"{seed}\",\"fill\":\"").into_bytes();
    body.resize(length - 2, b'x');
    body.extend_from_slice(b"\"}");
    body
}

async fn pair(store: &Embedded, ids: &Ids, scope: Scope) -> Ulid {
    let (intent, attempt, operation) = (ids.next(), ids.next(), ids.next());
    let idempotency = Key::named(scope, Kind::IdempotencyRecord, format!("order-{operation}"));
    let open = List::all(scope, Index::OpenOperations);
    let mut first = Batch::new();
    first
        .create(idempotency.clone(), body(SMALL, operation))
        .create(Key::named(scope, Kind::Setting, format!("sealed-{operation}")), body(SMALL, operation))
        .create(Key::object(scope, Kind::PaymentIntent, intent), body(INTENT, intent))
        .create(Key::object(scope, Kind::PaymentAttempt, attempt), body(SMALL, attempt))
        .link(List::all(scope, Index::PaymentIntents), intent)
        .link(List::of(scope, Index::PaymentIntentsByCustomer, customer_of(intent)), intent)
        .link(open, attempt);
    store.commit(first).await.unwrap();

    let (charge, transaction, entry) = (ids.next(), ids.next(), ids.next());
    let events = [ids.next(), ids.next(), ids.next()];
    let mut second = Batch::new();
    second
        .update(Key::object(scope, Kind::PaymentIntent, intent), body(INTENT, intent), 1)
        .update(Key::object(scope, Kind::PaymentAttempt, attempt), body(SMALL, attempt), 1)
        .update(idempotency, body(INTENT, operation), 1)
        .create(Key::object(scope, Kind::Charge, charge), body(CHARGE, charge))
        .create(Key::object(scope, Kind::BalanceTransaction, transaction), body(SMALL, transaction))
        .create(Key::object(scope, Kind::JournalEntry, entry), body(SMALL, entry))
        .link(List::all(scope, Index::Charges), charge)
        .link(List::of(scope, Index::ChargesByPaymentIntent, intent), charge)
        .link(List::all(scope, Index::BalanceTransactions), transaction)
        .unlink(open, attempt);
    for event in events {
        second.create(Key::object(scope, Kind::Event, event), body(EVENT, event));
        second.link(List::all(scope, Index::Events), event);
    }
    store.commit(second).await.unwrap();
    intent
}

/// The same bytes as two appended records and nothing else: what a pair could cost at best.
async fn appended(store: &Embedded, ids: &Ids, scope: Scope) -> Ulid {
    let (first, second) = (ids.next(), ids.next());
    for (id, length) in [(first, 2 * SMALL + INTENT + SMALL), (second, 2 * INTENT + CHARGE + 3 * SMALL + 3 * EVENT)] {
        let mut batch = Batch::new();
        batch.create(Key::object(scope, Kind::PaymentIntent, id), body(length, id));
        store.commit(batch).await.unwrap();
    }
    first
}

/// One of a few customers.
fn customer_of(seed: Ulid) -> Ulid {
    Ulid::from_bits(seed.bits() % 1_000)
}

fn cpu_micros() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Ticks of 10 ms: user and system.
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10_000
}

fn from_proc(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let callers: u64 = arguments.get(1).map_or(64, |text| text.parse().unwrap());
    let seconds: u64 = arguments.get(2).map_or(10, |text| text.parse().unwrap());
    let directory =
        arguments.get(3).map_or_else(|| std::env::temp_dir().join(format!("bursar-pairs-{}", std::process::id())), PathBuf::from);
    let at_best = std::env::var_os("AT_BEST").is_some();
    let path = directory.join("pairs.db");
    let store = Arc::new(Embedded::open(&path, Options::default()).unwrap());
    let seed = u64::from(std::process::id()) << 32;
    let ids = Arc::new(Ids { sequence: parking_lot::Mutex::new(UlidSequence::default()), random: AtomicU64::new(seed) });
    let scope = Scope { account: AccountId::new(Ulid::from_bits(77)), mode: Mode::Test };

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (began, cpu, written, size) =
        (Instant::now(), cpu_micros(), from_proc("/proc/self/io", "write_bytes"), std::fs::metadata(&path).unwrap().len());
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (store, ids, stop, done) = (Arc::clone(&store), Arc::clone(&ids), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut last = Ulid::NIL;
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    last = if at_best { appended(&store, &ids, scope).await } else { pair(&store, &ids, scope).await };
                    times.push(began.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                }
                (times, last)
            })
        })
        .collect();
    let mut seen = 0;
    for second in 1..=seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if second % INTERVAL == 0 {
            let now = done.load(Ordering::Relaxed);
            println!("  {second} s: {} pairs/s, {now} pairs", (now - seen) / INTERVAL);
            seen = now;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    let mut last = Ulid::NIL;
    for task in tasks {
        let (of_task, id) = task.await.unwrap();
        times.extend(of_task);
        last = id;
    }
    let elapsed = began.elapsed();
    times.sort();
    let pairs = times.len() as f64;
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000].as_secs_f64() * 1e3;
    println!(
        "{callers} callers: {:.0} pairs/s ({:.0} batches/s), p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        pairs / elapsed.as_secs_f64(),
        2.0 * pairs / elapsed.as_secs_f64(),
        at(500),
        at(990),
        at(1_000)
    );
    println!(
        "  CPU {:.0} us a pair, written {:.1} kB a pair",
        (cpu_micros() - cpu) as f64 / pairs,
        (from_proc("/proc/self/io", "write_bytes") - written) as f64 / pairs / 1e3
    );
    println!("  resident {} MB", from_proc("/proc/self/status", "VmRSS") / 1024);
    read(&store, scope, last).await;
    drop(store);
    println!(
        "  disk {:.2} kB a pair, file {} MB",
        (std::fs::metadata(&path).unwrap().len() - size) as f64 / pairs / 1e3,
        std::fs::metadata(&path).unwrap().len() / 1_000_000
    );
    if arguments.get(3).is_none() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

async fn read(store: &Embedded, scope: Scope, intent: Ulid) {
    const ROUNDS: u32 = 20_000;
    let key = [Key::object(scope, Kind::PaymentIntent, intent)];
    let began = Instant::now();
    for _ in 0..ROUNDS {
        assert!(store.get(&key).await.unwrap()[0].is_some());
    }
    let get = began.elapsed() / ROUNDS;
    let absent = [Key::named(scope, Kind::IdempotencyRecord, "never seen")];
    let began = Instant::now();
    for _ in 0..ROUNDS {
        assert!(store.get(&absent).await.unwrap()[0].is_none());
    }
    let name = began.elapsed() / ROUNDS;
    let scan = Scan {
        list: List::all(scope, Index::PaymentIntents),
        newer_than: None,
        older_than: Some(intent),
        order: Order::NewestFirst,
        limit: 20,
    };
    let began = Instant::now();
    for _ in 0..ROUNDS {
        store.scan(scan).await.unwrap();
    }
    let list = began.elapsed() / ROUNDS;
    println!("  get {get:?}, get of an absent name {name:?}, scan of 20 {list:?}");
    let mut check = Batch::new();
    check.assert(key[0].clone(), Precondition::Any);
    store.commit(check).await.unwrap();
}
