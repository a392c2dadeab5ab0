//! The program as an operator runs it: accounts and keys on the embedded store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

struct Shop {
    directory: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
        command.env_clear().env("BURSAR_STORE", format!("sqlite:{}", self.store().display()));
        command
    }

    fn store(&self) -> std::path::PathBuf {
        self.directory.path().join("bursar.db")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// What a command that succeeds says.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that fails complains of.
    fn complains(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn serve(&self) -> Server {
        let mut child =
            self.command().args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.into_iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
        Server { child, url }
    }
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    async fn status(&self, key: &str) -> u16 {
        let answer = reqwest::Client::new().get(format!("{}/v1/account", self.url)).bearer_auth(key).send().await.unwrap();
        answer.status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap().to_owned()
}

fn files_hold(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_made_key_opens_the_account_until_it_is_revoked_and_is_kept_nowhere() {
    let shop = Shop::new();
    let account = first_word(&shop.says(&["accounts", "create", "--name", "Flowers", "--country", "ch", "--currency", "chf"]));
    assert!(shop.says(&["accounts", "list"]).contains("CH  chf"));
    let made = shop.says(&["keys", "create"]);
    let key = first_word(&made);
    assert!(key.starts_with("sk_test_"), "{key}");
    let publishable = first_word(&shop.says(&["keys", "create", "--account", &account, "--kind", "publishable", "--mode", "live"]));
    assert!(publishable.starts_with("pk_live_"), "{publishable}");
    let listed = shop.says(&["keys", "list", "--account", &account]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(!listed.contains(&key) && listed.contains(&key[key.len() - 4..]), "{listed}");
    assert!(!files_hold(shop.directory.path(), &key) && !shop.says(&["records"]).contains(&key));

    let server = shop.serve();
    assert_eq!((server.status(&key).await, server.status(&publishable).await), (200, 403));
    drop(server);
    let id = first_word(listed.lines().next().unwrap());
    shop.says(&["keys", "revoke", &id]);
    assert!(shop.says(&["keys", "list"]).lines().next().unwrap().contains("revoked"));
    assert_eq!(shop.serve().status(&key).await, 401);
}

#[test]
fn every_record_is_printed_in_the_clear_as_a_line_of_json() {
    let shop = Shop::new();
    let account = first_word(&shop.says(&["accounts", "create", "--name", "Flowers"]));
    shop.says(&["keys", "create"]);
    let printed = shop.says(&["records"]);
    let records: Vec<serde_json::Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| records.iter().filter(|record| record["kind"] == kind).collect::<Vec<_>>();
    let accounts = of("accounts");
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["record"]["d"]["name"], "Flowers");
    assert!(account.ends_with(accounts[0]["key"].as_str().unwrap()), "{account}");
    // Under its hash and under its id.
    assert_eq!(of("api_keys").len(), 2);
}

#[tokio::test]
async fn while_a_server_runs_keys_can_be_listed_and_not_changed() {
    let shop = Shop::new();
    let server = shop.serve();
    assert_eq!(shop.says(&["keys", "list"]).lines().count(), 2);
    let id = first_word(&shop.says(&["keys", "list"]));
    for change in [&["accounts", "create", "--name", "Two"][..], &["keys", "create"], &["keys", "revoke", &id]] {
        let complaint = shop.complains(change);
        assert!(complaint.contains("Stop the server, repeat this command"), "{complaint}");
    }
    drop(server);
    shop.says(&["keys", "create"]);
}

#[test]
fn a_command_that_cannot_be_carried_out_says_why() {
    let shop = Shop::new();
    assert!(shop.complains(&["accounts", "list"]).contains("does not exist"));
    assert!(shop.complains(&["accounts", "create"]).contains("--name"));
    assert!(shop.complains(&["accounts", "create", "--name", "A", "--country", "Swiss"]).contains("not two letters"));
    assert!(shop.complains(&["accounts", "create", "--name", "A", "--statement-descriptor", "<>"]).contains("5 to 22 characters"));
    assert!(shop.complains(&["keys", "create"]).contains("bursar accounts create"));
    shop.says(&["accounts", "create", "--name", "One"]);
    shop.says(&["accounts", "create", "--name", "Two"]);
    assert!(shop.complains(&["keys", "create"]).contains("--account"));
    assert!(shop.complains(&["keys", "revoke", "key_00000000000000000000000000"]).contains("No such key"));
    assert!(shop.complains(&["keys", "list", "--store", "memory:"]).contains("sqlite:PATH"));
}

/// Runs SQL on a store that nobody uses, as somebody who wants to hide something would.
fn tamper(shop: &Shop, sql: &str) -> usize {
    rusqlite::Connection::open(shop.store()).unwrap().execute(sql, []).unwrap()
}

#[tokio::test]
async fn what_is_done_to_the_audit_trail_behind_the_servers_back_is_named() {
    let shop = Shop::new();
    shop.says(&["accounts", "create", "--name", "Flowers"]);
    let key = first_word(&shop.says(&["keys", "create"]));
    let server = shop.serve();
    let paid = [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
    let answer =
        reqwest::Client::new().post(format!("{}/v1/payment_intents", server.url)).bearer_auth(&key).form(&paid).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let rows = reqwest::Client::new().get(format!("{}/v1/audit_log", server.url)).bearer_auth(&key).send().await.unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&rows.bytes().await.unwrap()).unwrap();
    assert_eq!((&rows["data"][0]["remote_address"], &rows["data"][2]["actor"]["type"]), (&"127.0.0.1".into(), &"operator".into()));
    assert!(shop.complains(&["audit", "seal"]).contains("Stop the server"));
    assert!(shop.says(&["audit", "verify"]).contains("4 rows, 4 of them not sealed yet; 0 segments"));
    drop(server);
    let signing = shop.directory.path().join("audit.key");
    let (signing, public) = (signing.display().to_string(), format!("{}.pub", signing.display()));
    shop.says(&["audit", "keygen", &signing]);
    assert!(shop.complains(&["audit", "keygen", &signing]).contains("exists"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&signing).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(shop.says(&["audit", "seal", "--audit-signing-key", &signing]).contains("4 rows are sealed"));
    let said = shop.says(&["audit", "verify", "--public-key", &public]);
    assert!(said.contains("4 rows, 0 of them not sealed yet; 2 segments, 2 of them signed by"), "{said}");
    assert!(shop.says(&["verify"]).contains("audit trail: 4 rows"));
    assert_eq!(tamper(&shop, "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries)"), 1);
    let id = rows["data"][0]["id"].as_str().unwrap();
    for command in [&["audit", "verify"][..], &["verify"]] {
        let output = shop.run(command);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!output.status.success() && said.contains(&format!("{id}: removed since it was sealed in segment 1")), "{said}");
    }
}

#[test]
fn the_first_owner_is_invited_and_looked_after_at_the_command_line() {
    let shop = Shop::new();
    shop.says(&["accounts", "create", "--name", "Flowers"]);
    let invited = shop.says(&["users", "invite", "--email", "Ada@flowers.example", "--name", "Ada", "--role", "owner"]);
    let text = first_word(&invited);
    assert!(text.starts_with("inv_") && invited.contains("ada@flowers.example"), "{invited}");
    let secret = text.rsplit('_').next().unwrap();
    assert!(!files_hold(shop.directory.path(), secret) && !shop.says(&["records"]).contains(secret));
    let listed = shop.says(&["users", "list"]);
    assert!(listed.contains("owner  invited") && listed.contains("ada@flowers.example") && listed.ends_with("  Ada\n"), "{listed}");
    let id = first_word(&listed);
    assert!(shop.says(&["users", "role", &id, "--role", "admin"]).contains("admin  invited"));
    assert_ne!(first_word(&shop.says(&["users", "reset", &id])), text);
    assert!(shop.says(&["users", "disable", &id]).contains("admin  disabled"));
    assert!(shop.complains(&["users", "reset", &id]).contains("disabled"));
    assert!(shop.complains(&["users", "role", "usr_00000000000000000000000000", "--role", "admin"]).contains("No such user"));
    assert!(shop.says(&["verify"]).contains("audit trail"));
}
