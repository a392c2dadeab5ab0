//! The file and its neighbours: who may open it, who can read it, what a crash leaves, what a backup holds.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Place, create, intent, put};
use crate::batch::{Batch, Precondition};
use crate::conformance::{everything, id, scope};
use crate::contract::{CommitError, Scan, Store};
use crate::embedded::fresh::Fresh;
use crate::embedded::{BackupError, Embedded, OpenError, Options};
use crate::key::{Index, Key, Kind, List};

/// Names the file for [`a_process_that_commits_until_it_is_killed`]; without it that test does nothing.
const CHILD: &str = "BURSAR_STORE_TEST_CHILD";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    format!("{}{suffix}", path.display()).into()
}

#[tokio::test]
async fn a_second_writer_is_refused_until_the_first_has_gone() {
    let place = Place::new();
    let first = place.open();
    assert!(matches!(Embedded::open(&place.file(), Options::default()), Err(OpenError::InUse(_))));
    first.commit(create(1)).await.unwrap();
    drop(first);
    assert!(place.open().get_one(&intent(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let place = Place::new();
    let store = place.open();
    store.commit(create(1)).await.unwrap();
    let file = place.file();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&file, suffix)), 0o600, "{suffix}");
    }
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    let copy = place.directory.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let place = Place::new();
    let path = place.directory.path().join("other.db");
    std::fs::write(&path, vec![b'?'; 5_000]).unwrap();
    assert!(matches!(Embedded::open(&path, Options::default()), Err(OpenError::Format { .. })));
    assert!(matches!(Embedded::open_read_only(&path), Err(OpenError::Format { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'?'; 5_000]);

    let path = place.directory.path().join("foreign.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Embedded::open(&path, Options::default()), Err(OpenError::Format { .. })));

    drop(place.open());
    rusqlite::Connection::open(place.file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Embedded::open(&place.file(), Options::default()), Err(OpenError::Format { .. })));
    assert!(matches!(Embedded::open_read_only(&place.directory.path().join("none.db")), Err(OpenError::NotFound(_))));
    assert!(!place.directory.path().join("none.db").exists());
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_each_commit_and_cannot_write() {
    let place = Place::new();
    let store = place.open();
    let reader = Embedded::open_read_only(&place.file()).unwrap();
    let list = List::all(scope(), Index::Charges);
    for n in 1..4 {
        let mut batch = create(n);
        batch.link(list, id(n));
        store.commit(batch).await.unwrap();
        assert!(reader.get_one(&intent(n)).await.unwrap().is_some());
        assert_eq!(reader.scan(Scan::newest(list, 1)).await.unwrap(), [id(n)]);
    }
    assert!(matches!(reader.commit(create(9)).await, Err(CommitError::Unavailable(_))));
    assert_eq!(everything(&reader).await, everything(&*store).await);
}

#[tokio::test]
async fn a_reader_beside_the_writer_finds_names_whether_or_not_they_are_in_the_index_yet() {
    let place = Place::new();
    let store = Embedded::open_tuned(&place.file(), Options::default(), u64::MAX, Fresh::gathering(20)).unwrap();
    let reader = Embedded::open_read_only(&place.file()).unwrap();
    let name = |n: u32| Key::named(scope(), Kind::Setting, format!("name {n}"));
    for n in 0..100 {
        assert_eq!(reader.get_one(&name(n)).await, Ok(None));
        store.commit(put(name(n), b"x", Precondition::Absent)).await.unwrap();
        for one in [0, n / 2, n] {
            assert!(reader.get_one(&name(one)).await.unwrap().is_some(), "{one} of {n}");
        }
        if n % 10 == 0 {
            let late = Embedded::open_snapshot(&place.file()).unwrap();
            let found = late.get(&(0..=n).map(name).take(100).collect::<Vec<_>>()).await.unwrap();
            assert!(found.iter().all(Option::is_some));
        }
    }
    assert!(store.readers.fresh_names() <= 50, "and are no longer remembered");
    drop((store, reader));
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert!(count("SELECT count(*) FROM names") >= 60, "names have come into the index");
    assert!(count("SELECT count(*) FROM fresh_names") <= 50, "and out of the table of fresh ones");
    assert_eq!(count("SELECT count(*) FROM (SELECT ref FROM names UNION SELECT ref FROM fresh_names)"), 100);
}

#[tokio::test]
async fn a_row_of_a_name_that_went_is_not_given_to_another() {
    let place = Place::new();
    let name = |text: &str| Key::named(scope(), Kind::Setting, text);
    drop(place.open());
    let reader = Embedded::open_read_only(&place.file()).unwrap();
    for text in ["one", "two", "three"] {
        // Opened again each time: what was given out must be in the file.
        let store = place.open();
        store.commit(put(name(text), b"", Precondition::Absent)).await.unwrap();
        assert!(reader.get_one(&name(text)).await.unwrap().is_some(), "{text}");
        let mut batch = Batch::new();
        batch.delete(name(text), Precondition::Any);
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn names_are_found_after_a_crash_at_any_point_of_a_sweep() {
    let place = Place::new();
    let store = Embedded::open_tuned(&place.file(), Options::default(), u64::MAX, Fresh::gathering(10)).unwrap();
    let name = |n: u32| Key::named(scope(), Kind::Setting, format!("name {n}"));
    for n in 0..60 {
        store.commit(put(name(n), n.to_string().as_bytes(), Precondition::Absent)).await.unwrap();
        // What a crash leaves: the file and its log as they are now.
        let crashed = Place::new();
        std::fs::create_dir(crashed.file().parent().unwrap()).unwrap();
        for suffix in ["", "-wal"] {
            let of = |path: std::path::PathBuf| format!("{}{suffix}", path.display());
            std::fs::copy(of(place.file()), of(crashed.file())).unwrap();
        }
        let again = Embedded::open_tuned(&crashed.file(), Options::default(), u64::MAX, Fresh::gathering(10)).unwrap();
        for one in 0..=n {
            let body = again.get_one(&name(one)).await.unwrap().map(|item| item.body);
            assert_eq!(body, Some(one.to_string().into_bytes()), "{one} of {n}");
            assert!(again.commit(put(name(one), b"", Precondition::Absent)).await.is_err(), "{one} of {n}");
        }
        again.commit(put(name(n + 1), b"", Precondition::Absent)).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_name_leaves_nothing_in_the_index() {
    let place = Place::new();
    let store = Embedded::open_tuned(&place.file(), Options::default(), u64::MAX, Fresh::gathering(20)).unwrap();
    let name = |n: u32| Key::named(scope(), Kind::Setting, format!("name {n}"));
    for n in 0..100 {
        store.commit(put(name(n), b"x", Precondition::Absent)).await.unwrap();
        let mut batch = Batch::new();
        batch.delete(name(n / 2), Precondition::Any);
        batch.delete(name(n), Precondition::Any);
        if n % 2 == 1 {
            store.commit(batch).await.unwrap();
        }
    }
    for n in 0..100 {
        let mut batch = Batch::new();
        batch.delete(name(n), Precondition::Any);
        store.commit(batch).await.unwrap();
    }
    drop(store);
    let file = rusqlite::Connection::open(place.file()).unwrap();
    for table in ["names", "fresh_names", "settings"] {
        assert_eq!(file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0)).unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn a_snapshot_stays_at_its_moment() {
    let place = Place::new();
    let store = place.open();
    store.commit(create(1)).await.unwrap();
    let snapshot = Embedded::open_snapshot(&place.file()).unwrap();
    let before = everything(&snapshot).await;
    for n in 2..200 {
        store.commit(create(n)).await.unwrap();
    }
    assert_eq!(everything(&snapshot).await, before);
    assert_eq!(snapshot.get(&[intent(1), intent(2)]).await.unwrap().iter().filter(|item| item.is_some()).count(), 1);
    drop(snapshot);
    assert_eq!(everything(&*store).await.0.len(), 199);
}

#[tokio::test]
async fn what_a_crash_leaves_can_be_read_without_writing_and_then_opened() {
    let place = Place::new();
    let store = place.open();
    for n in 0..20 {
        store.commit(create(n)).await.unwrap();
    }
    // As a killed process leaves them: the log not moved, no orderly end.
    let crashed = place.directory.path().join("crashed.db");
    for suffix in ["", "-wal"] {
        std::fs::copy(beside(&place.file(), suffix), beside(&crashed, suffix)).unwrap();
    }
    let reader = Embedded::open_read_only(&crashed).unwrap();
    assert_eq!(everything(&reader).await, everything(&*store).await);
    drop(reader);
    let opened = Embedded::open(&crashed, Options::default()).unwrap();
    assert_eq!(everything(&opened).await, everything(&*store).await);
}

#[tokio::test]
async fn an_operator_can_read_bodies_with_the_tools_they_have() {
    let place = Place::new();
    let store = place.open();
    store.commit(create(7)).await.unwrap();
    drop(store);
    let tool = rusqlite::Connection::open(place.file()).unwrap();
    let n: i64 = tool.query_row("SELECT json(body) ->> 'n' FROM payment_intents", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_whole_commits_and_never_overwrites() {
    let place = Place::new();
    let store = place.open();
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let mut batch = create(n);
                batch.create(Key::object(scope(), Kind::Charge, id(n)), vec![b'c'; 3_000]);
                store.commit(batch).await.unwrap();
                n += 1;
            }
        }
    });
    let reader = Embedded::open_read_only(&place.file()).unwrap();
    let mut sizes = Vec::new();
    for n in 0..4 {
        while store.export(Kind::Charge, None, 1_000).await.unwrap().len() < 20 * (n + 1) {
            tokio::task::yield_now().await;
        }
        let copy = place.directory.path().join(format!("copy-{n}.db"));
        if n % 2 == 0 { store.backup(&copy) } else { reader.backup(&copy) }.unwrap();
        let before = std::fs::read(&copy).unwrap();
        assert!(matches!(store.backup(&copy), Err(BackupError::Exists(_))));
        assert_eq!(std::fs::read(&copy).unwrap(), before);
        let (records, _) = everything(&Embedded::open(&copy, Options::default()).unwrap()).await;
        let charges = records.iter().filter(|(key, ..)| key.kind() == Kind::Charge).count();
        assert_eq!(records.len(), 2 * charges, "each commit wrote one of both");
        sizes.push(charges);
    }
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert!(sizes.is_sorted() && sizes[0] >= 20, "{sizes:?}");
    let partial = std::fs::read_dir(place.directory.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("partial"))
        .count();
    assert_eq!(partial, 0);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_nothing() {
    let place = Place::new();
    let store = place.open();
    let nowhere = place.directory.path().join("no such directory").join("copy.db");
    assert!(matches!(store.backup(&nowhere), Err(BackupError::Io { .. })));
    assert!(!nowhere.exists());
}

#[tokio::test]
#[ignore = "only the crash test runs it, in a process of its own"]
async fn a_process_that_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = Arc::new(Embedded::open(Path::new(&path), Options::default()).unwrap());
    let tasks: Vec<_> = (0..16_u32)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in (task * 100_000)..((task + 1) * 100_000) {
                    store.commit(whole(n)).await.unwrap();
                    println!("\nacknowledged {n}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Three records and a list entry that belong together.
fn whole(n: u32) -> Batch {
    let mut batch = create(n);
    batch.create(Key::object(scope(), Kind::Charge, id(n)), vec![b'c'; 700]);
    batch.create(Key::named(scope(), Kind::IdempotencyRecord, n.to_string()), vec![b'i'; 300]);
    batch.link(List::all(scope(), Index::Charges), id(n));
    batch
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let place = Place::new();
    for round in 1..=3_usize {
        drop(place.open());
        // The numbers go on after those of the rounds before, so each round starts on an empty store.
        let file = place.directory.path().join(format!("round-{round}.db"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "embedded::tests::files::a_process_that_commits_until_it_is_killed",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while acknowledged.len() < 400 * round {
            let line = lines.next().expect("the child ended early").unwrap();
            if let Some(n) = line.strip_prefix("acknowledged ") {
                acknowledged.push(n.parse::<u32>().unwrap());
            }
        }
        assert!(matches!(Embedded::open(&file, Options::default()), Err(OpenError::InUse(_))), "the other process holds it");
        child.kill().unwrap();
        child.wait().unwrap();
        // What it managed to say before it died counts, too.
        acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u32>().ok()));
        let store = Embedded::open(&file, Options::default()).unwrap();
        let (records, links) = everything(&store).await;
        assert_eq!(records.len(), 3 * links.len(), "only whole commits");
        for n in acknowledged {
            for key in [intent(n), Key::object(scope(), Kind::Charge, id(n)), Key::named(scope(), Kind::IdempotencyRecord, n.to_string())] {
                assert!(store.get_one(&key).await.unwrap().is_some(), "{n} was acknowledged");
            }
        }
    }
}
