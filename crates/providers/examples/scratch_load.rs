#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use domain::{card::*, currency::Currency, id::*, money::Money, provider_key::ProviderKey, time::Timestamp};
use providers::{simulator::*, *};
use std::sync::Arc;
use std::time::Instant;
fn cpu() -> u64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<u64>().unwrap() + f[12].parse::<u64>().unwrap()) * 10_000
}
fn rss() -> String {
    std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l| l.starts_with("VmRSS")).unwrap().to_owned()
}
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    for (callers, pace) in [(8u64, 1u64), (64, 8), (64, 0)] {
        let dir = tempfile::tempdir_in(".").unwrap();
        let bank = Arc::new(Simulator::open(&Location::File(dir.path().join("b.db")), Options::default()).unwrap());
        let n: u64 = 80_000 / callers.max(4);
        let t = Instant::now();
        let c = cpu();
        let seq = Arc::new(std::sync::Mutex::new(UlidSequence::default()));
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let bank = bank.clone();
                let seq = seq.clone();
                tokio::spawn(async move {
                    for i in 0..n {
                        if pace > 0 {
                            tokio::time::sleep(std::time::Duration::from_millis(pace)).await;
                        }
                        let id = seq.lock().unwrap().next(Timestamp::from_millis(1_790_000_000_000 + i64::try_from(i).unwrap()), i);
                        let number = CardNumber::parse("4242424242424242").unwrap();
                        let o = bank
                            .authorize(Authorize {
                                key: ProviderKey::authorize(PaymentAttemptId::new(id)),
                                amount: Money::new(1000, Currency::from_code("usd").unwrap()),
                                card: CardForProvider {
                                    cvc: Cvc::parse("123", number.brand()).ok(),
                                    number,
                                    expiry: Expiry::new(12, 2040).unwrap(),
                                    holder_name: None,
                                    address_line1: None,
                                    postal_code: None,
                                },
                                capture: true,
                                initiator: Initiator::Customer,
                                three_d_secure: ThreeDSecureRequest::Automatic,
                                saved: false,
                                save_for_off_session: false,
                                return_to: "https://x".into(),
                                statement_descriptor: None,
                                description: None,
                            })
                            .await;
                        assert!(matches!(o, domain::outcome::AuthorizeOutcome::Approved(_)));
                    }
                })
            })
            .collect();
        for t in tasks {
            t.await.unwrap();
        }
        let total = callers * n;
        let us = t.elapsed().as_micros() as u64;
        let c = cpu() - c;
        let size: u64 = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        println!(
            "{callers} callers: {} /s, {} us wall, {:.1} us CPU each, {} B on disk each, {}",
            total * 1_000_000 / us,
            us / total,
            c as f64 / total as f64,
            size / total,
            rss()
        );
        let t = Instant::now();
        let b = bank.books().await.unwrap();
        println!("  books {:?} in {:?}", b, t.elapsed());
    }
}
