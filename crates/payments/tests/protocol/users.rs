//! People who look after an account: taken in, logged in and out, and what happens between two of them at once.

use std::sync::Arc;

use domain::audit::{Action, Actor, AuditEntry};
use domain::id::UserId;
use domain::scope::{Mode, Scope};
use domain::user::session::Proof;
use domain::user::{Refusal, Role, State, User};
use payments::records::{decode, key_of};
use payments::users::{LoggedIn, NewUser};
use payments::{By, Error, Request, Visit};
use store::{Index, Key, List, Scan, Store};
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use crate::shop::{Shop, told};

const PASSWORD: &str = "correct horse battery";
const MINUTE_MS: i64 = 60_000;
const STEP_MS: i64 = 30_000;

fn text(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn visit() -> Visit {
    Visit { from: Some([192, 0, 2, 9].into()), request: "req_visit".to_owned() }
}

fn refused<T: std::fmt::Debug>(done: Result<T, Error>) -> Refusal {
    match done {
        Err(Error::User(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn new(email: &str, role: Role) -> NewUser {
    NewUser { email: email.to_owned(), name: None, role }
}

/// Somebody who was invited, and the link that they got.
async fn invited(shop: &Shop, email: &str, role: Role) -> (User, Zeroizing<String>) {
    let (user, link) = shop.platform.invite_user_by(&By::operator("root"), shop.account.id, &new(email, role)).await.unwrap();
    (user, link.0)
}

async fn active(shop: &Shop, email: &str, role: Role) -> User {
    let (_, link) = invited(shop, email, role).await;
    shop.platform.accept_invitation(&visit(), &link, &text(PASSWORD)).await.unwrap()
}

async fn log_in(shop: &Shop, email: &str, password: &str) -> Result<LoggedIn, Error> {
    shop.platform.log_in(&visit(), email, &text(password)).await
}

async fn ada(shop: &Shop) -> (User, LoggedIn) {
    let user = active(shop, "ada@shop.example", Role::Owner).await;
    let logged_in = log_in(shop, "Ada@Shop.example", PASSWORD).await.unwrap();
    (user, logged_in)
}

async fn is_in(shop: &Shop, logged_in: &LoggedIn) -> bool {
    match shop.platform.session(&logged_in.token.0).await {
        Ok(_) => true,
        Err(Error::User(Refusal::NotLoggedIn)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// The code of now.
fn code(shop: &Shop, secret: &str) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(u64::try_from(shop.clock_seconds()).unwrap()).to_string()
}

struct Factor {
    logged_in: LoggedIn,
    secret: Zeroizing<String>,
    recovery: Vec<Zeroizing<String>>,
}

/// Takes a second factor into use.
async fn with_factor(shop: &Shop, logged_in: &LoggedIn) -> Factor {
    let secret = shop.platform.enroll_factor(&visit(), &logged_in.token.0, &text(PASSWORD)).await.unwrap().secret;
    let code = code(shop, &secret);
    let (logged_in, recovery) = shop.platform.confirm_factor(&visit(), &logged_in.token.0, &code).await.unwrap();
    Factor { logged_in, secret, recovery }
}

/// What the account's trail tells of people, oldest first.
async fn rows(shop: &Shop) -> Vec<AuditEntry> {
    let scope = Scope { account: shop.account.id, mode: Mode::Live };
    let ids = shop.store.scan(Scan::oldest(List::all(scope, Index::AuditEntries), 1_000)).await.unwrap();
    let mut rows = Vec::new();
    for id in ids {
        let item = shop.store.get_one(&key_of::<AuditEntry>(scope, id)).await.unwrap().unwrap();
        rows.push(decode(&item.body).unwrap());
    }
    rows
}

async fn told_rows(shop: &Shop) -> Vec<(Action, String)> {
    rows(shop).await.into_iter().map(|row| (row.action, row.result.as_str().to_owned())).collect()
}

fn success(action: Action) -> (Action, String) {
    (action, "success".to_owned())
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_and_logs_in_and_out_and_each_step_has_its_row() {
    let shop = Shop::open().await;
    let (user, link) = invited(&shop, "ada@shop.example", Role::Owner).await;
    assert_eq!(user.memberships[&shop.account.id].state, State::Invited);
    assert_eq!(refused(log_in(&shop, "ada@shop.example", PASSWORD).await), Refusal::WrongLogIn);
    let short = shop.platform.accept_invitation(&visit(), &link, &text("short")).await;
    assert!(matches!(short, Err(Error::Parameter { param: "password", .. })));
    shop.platform.accept_invitation(&visit(), &link, &text(PASSWORD)).await.unwrap();
    assert_eq!(refused(shop.platform.accept_invitation(&visit(), &link, &text(PASSWORD)).await), Refusal::InvalidInvitation);
    let logged_in = log_in(&shop, " ADA@shop.example", PASSWORD).await.unwrap();
    assert_eq!((logged_in.user.id, logged_in.session.proof), (user.id, Proof::Password));
    assert!(is_in(&shop, &logged_in).await);
    shop.platform.log_out(&visit(), &logged_in.token.0).await.unwrap();
    assert!(!is_in(&shop, &logged_in).await);
    shop.platform.log_out(&visit(), &logged_in.token.0).await.unwrap();
    let expected = [
        success(Action::UserInvite),
        (Action::SessionDeny, "wrong_password".to_owned()),
        success(Action::UserAccept),
        (Action::SessionDeny, "wrong_invitation".to_owned()),
        success(Action::SessionCreate),
        success(Action::SessionEnd),
    ];
    assert_eq!(told_rows(&shop).await, expected);
    let all = rows(&shop).await;
    assert_eq!((&all[1].actor, &all[4].actor), (&Actor::Unknown, &Actor::User { id: user.id }));
    assert!(all[1..].iter().all(|row| row.from == visit().from && row.request.as_deref() == Some("req_visit")));
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_that_lets_somebody_in_is_kept_as_it_is() {
    let shop = Shop::open().await;
    let (_, link) = invited(&shop, "ada@shop.example", Role::Owner).await;
    shop.platform.accept_invitation(&visit(), &link, &text(PASSWORD)).await.unwrap();
    let logged_in = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    let factor = with_factor(&shop, &logged_in).await;
    let mut kept = String::new();
    for kind in store::Kind::ALL {
        for exported in shop.store.export(*kind, None, 1_000).await.unwrap() {
            let name = match exported.key {
                Key::Named(key) => String::from_utf8(key.name).unwrap(),
                Key::Object(key) => key.id.to_string(),
            };
            kept.push_str(&format!("{name} {}\n", String::from_utf8(exported.item.body).unwrap()));
        }
    }
    let secrets = [link.rsplit('_').next().unwrap(), PASSWORD, &logged_in.token.0, &factor.logged_in.token.0, &factor.secret];
    for secret in secrets.into_iter().chain(factor.recovery.iter().map(|code| code.as_str())) {
        assert!(!kept.contains(secret) && !kept.contains(&secret.replace('-', "")), "{secret}");
    }
    assert!(kept.contains("$argon2id$"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_told_the_same_and_commit_as_often() {
    let shop = Shop::open().await;
    ada(&shop).await;
    for email in ["ada@shop.example", "nobody@shop.example", "not an address", ""] {
        let committed = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = Arc::clone(&committed);
        shop.meanwhile.happens(async move { seen.store(true, std::sync::atomic::Ordering::SeqCst) });
        assert_eq!(refused(log_in(&shop, email, "wrong horse battery").await), Refusal::WrongLogIn, "{email}");
        assert!(committed.load(std::sync::atomic::Ordering::SeqCst), "{email}");
    }
}

#[tokio::test]
async fn after_some_failures_even_the_right_password_waits_and_another_persons_does_not() {
    let shop = Shop::open().await;
    ada(&shop).await;
    active(&shop, "bob@shop.example", Role::Admin).await;
    for _ in 0..5 {
        refused(log_in(&shop, "ada@shop.example", "wrong horse battery").await);
    }
    assert_eq!(refused(log_in(&shop, "ada@shop.example", PASSWORD).await), Refusal::WrongLogIn);
    assert_eq!(told_rows(&shop).await.last().unwrap(), &(Action::AccessDeny, "too_many_tries".to_owned()));
    log_in(&shop, "bob@shop.example", PASSWORD).await.unwrap();
    shop.pass(16_000);
    log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    let before = rows(&shop).await.len();
    for _ in 0..100 {
        refused(log_in(&shop, "ada@shop.example", "wrong horse battery").await);
    }
    assert_eq!(rows(&shop).await.len() - before, 5, "whoever goes on fills no trail: the pause was told a moment ago");
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_its_codes_are_good_once_each() {
    let shop = Shop::open().await;
    let (user, first) = ada(&shop).await;
    let Factor { logged_in, secret, recovery } = with_factor(&shop, &first).await;
    assert!(!is_in(&shop, &first).await && is_in(&shop, &logged_in).await);
    assert_eq!(logged_in.session.proof, Proof::SecondFactor);
    let begun = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    assert_eq!(begun.session.proof, Proof::AwaitsCode);
    // Whoever owes a code can do nothing else.
    let token = &begun.token.0;
    assert_eq!(
        refused(shop.platform.change_password(&visit(), token, &text(PASSWORD), &text("another horse")).await),
        Refusal::NotLoggedIn
    );
    assert_eq!(refused(shop.platform.disable_factor(&visit(), token, &text(PASSWORD), "1").await), Refusal::NotLoggedIn);
    assert_eq!(refused(shop.platform.log_out_everywhere(&visit(), token).await), Refusal::NotLoggedIn);
    // The code that confirmed it was used.
    assert_eq!(refused(shop.platform.give_code(&visit(), token, &code(&shop, &secret)).await), Refusal::WrongCode);
    shop.pass(STEP_MS);
    let now = code(&shop, &secret);
    let full = shop.platform.give_code(&visit(), token, &now).await.unwrap();
    assert!(full.session.proof == Proof::SecondFactor && !is_in(&shop, &begun).await && is_in(&shop, &full).await);
    let again = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    assert_eq!(refused(shop.platform.give_code(&visit(), &again.token.0, &now).await), Refusal::WrongCode);
    let lost = shop.platform.give_code(&visit(), &again.token.0, &recovery[3].to_uppercase()).await.unwrap();
    assert_eq!(lost.session.proof, Proof::SecondFactor);
    let third = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    assert_eq!(refused(shop.platform.give_code(&visit(), &third.token.0, &recovery[3]).await), Refusal::WrongCode);
    shop.platform.give_code(&visit(), &third.token.0, &recovery[4]).await.unwrap();
    let denied = rows(&shop).await.into_iter().filter(|row| row.action == Action::SessionDeny).collect::<Vec<_>>();
    assert!(denied.len() == 3 && denied.iter().all(|row| row.result.as_str() == "wrong_code" && row.actor == Actor::User { id: user.id }));
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn one_code_shown_twice_at_once_lets_in_once() {
    let shop = Shop::open().await;
    let (_, first) = ada(&shop).await;
    let factor = with_factor(&shop, &first).await;
    shop.pass(STEP_MS);
    let [one, other] =
        [log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap(), log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap()];
    let (again, now) = (shop.other(), code(&shop, &factor.secret));
    let same = now.clone();
    shop.meanwhile.happens(async move {
        again.platform.give_code(&visit(), &other.token.0, &same).await.unwrap();
    });
    assert_eq!(refused(shop.platform.give_code(&visit(), &one.token.0, &now).await), Refusal::WrongCode);
}

#[tokio::test]
async fn right_passwords_take_back_no_failures_of_codes() {
    let shop = Shop::open().await;
    let (_, first) = ada(&shop).await;
    let factor = with_factor(&shop, &first).await;
    shop.pass(STEP_MS);
    for _ in 0..5 {
        let begun = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
        assert_eq!(refused(shop.platform.give_code(&visit(), &begun.token.0, "000000").await), Refusal::WrongCode);
    }
    assert_eq!(refused(log_in(&shop, "ada@shop.example", PASSWORD).await), Refusal::WrongLogIn);
    shop.pass(STEP_MS);
    let begun = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    shop.platform.give_code(&visit(), &begun.token.0, &code(&shop, &factor.secret)).await.unwrap();
}

#[tokio::test]
async fn a_second_factor_is_given_up_by_password_and_code_only() {
    let shop = Shop::open().await;
    let (_, first) = ada(&shop).await;
    let enrolled = shop.platform.enroll_factor(&visit(), &first.token.0, &text("wrong horse battery")).await;
    assert_eq!(refused(enrolled.map(|_| ())), Refusal::WrongPassword);
    let Factor { logged_in, secret, .. } = with_factor(&shop, &first).await;
    let again = shop.platform.enroll_factor(&visit(), &logged_in.token.0, &text(PASSWORD)).await;
    assert_eq!(refused(again.map(|_| ())), Refusal::SecondFactorOn);
    shop.pass(STEP_MS);
    let now = code(&shop, &secret);
    let token = &logged_in.token.0;
    for (password, code, refusal) in [("wrong horse battery", &*now, Refusal::WrongPassword), (PASSWORD, "000000", Refusal::WrongCode)] {
        assert_eq!(refused(shop.platform.disable_factor(&visit(), token, &text(password), code).await), refusal);
    }
    let without = shop.platform.disable_factor(&visit(), token, &text(PASSWORD), &now).await.unwrap();
    assert!(!is_in(&shop, &logged_in).await && is_in(&shop, &without).await);
    assert_eq!(log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap().session.proof, Proof::Password);
}

#[tokio::test]
async fn another_password_ends_every_other_session_and_logging_out_everywhere_all() {
    let shop = Shop::open().await;
    let (_, here) = ada(&shop).await;
    let there = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    let change = async |from: &LoggedIn, current: &str, new: &str| {
        shop.platform.change_password(&visit(), &from.token.0, &text(current), &text(new)).await
    };
    assert_eq!(refused(change(&here, "wrong horse battery", "another horse").await), Refusal::WrongPassword);
    let renewed = change(&here, PASSWORD, "another horse").await.unwrap();
    assert!(is_in(&shop, &renewed).await && !is_in(&shop, &here).await && !is_in(&shop, &there).await);
    refused(log_in(&shop, "ada@shop.example", PASSWORD).await);
    let there = log_in(&shop, "ada@shop.example", "another horse").await.unwrap();
    shop.platform.log_out_everywhere(&visit(), &there.token.0).await.unwrap();
    assert!(!is_in(&shop, &renewed).await && !is_in(&shop, &there).await);
}

#[tokio::test]
async fn a_session_goes_on_while_it_is_used_and_old_ones_are_removed() {
    let shop = Shop::open().await;
    let (_, used) = ada(&shop).await;
    let unused = log_in(&shop, "ada@shop.example", PASSWORD).await.unwrap();
    for _ in 0..4 {
        shop.pass(20 * MINUTE_MS);
        assert!(is_in(&shop, &used).await);
    }
    assert!(!is_in(&shop, &unused).await);
    assert_eq!(shop.platform.expire_sessions().await.unwrap(), 1);
    assert!(is_in(&shop, &used).await);
    shop.pass(12 * 60 * MINUTE_MS);
    assert!(!is_in(&shop, &used).await);
    assert_eq!((shop.platform.expire_sessions().await.unwrap(), shop.platform.expire_sessions().await.unwrap()), (1, 0));
}

/// A request of somebody in live or test mode.
fn request(shop: &Shop, mode: Mode, actor: Actor) -> Request {
    let request = shop.request();
    Request { scope: Scope { mode, ..request.scope }, actor, ..request }
}

#[tokio::test]
async fn nobody_looks_after_people_above_them_and_nobody_does_in_test_mode() {
    let shop = Shop::open().await;
    let (owner, _) = ada(&shop).await;
    let admin = active(&shop, "bob@shop.example", Role::Admin).await;
    let by = |user: UserId| request(&shop, Mode::Live, Actor::User { id: user });
    let platform = &shop.platform;
    assert_eq!(refused(platform.disable_user(&by(admin.id), owner.id).await), Refusal::AboveRole);
    assert_eq!(refused(platform.change_user_role(&by(admin.id), admin.id, Role::Owner).await), Refusal::AboveRole);
    assert_eq!(refused(platform.invite_user(&by(admin.id), &new("c@shop.example", Role::Owner)).await), Refusal::AboveRole);
    let key = shop.request().actor;
    assert_eq!(refused(platform.disable_user(&request(&shop, Mode::Live, key.clone()), owner.id).await), Refusal::AboveRole);
    let in_test = request(&shop, Mode::Test, key.clone());
    assert_eq!(refused(platform.invite_user(&in_test, &new("c@shop.example", Role::Analyst)).await), Refusal::NeedsLiveMode);
    assert_eq!(refused(platform.disable_user(&in_test, admin.id).await), Refusal::NeedsLiveMode);
    let invited: User = told(&platform.invite_user(&request(&shop, Mode::Live, key), &new("c@shop.example", Role::Admin)).await.unwrap());
    let lower: User = told(&platform.change_user_role(&by(owner.id), invited.id, Role::Analyst).await.unwrap());
    assert_eq!(lower.memberships[&shop.account.id].role, Role::Analyst);
    // Who is disabled has no power any more, and is logged out.
    let bob = log_in(&shop, "bob@shop.example", PASSWORD).await.unwrap();
    platform.disable_user(&by(owner.id), admin.id).await.unwrap();
    assert!(!is_in(&shop, &bob).await);
    assert_eq!(refused(log_in(&shop, "bob@shop.example", PASSWORD).await), Refusal::WrongLogIn);
    assert_eq!(refused(platform.disable_user(&by(admin.id), lower.id).await), Refusal::AboveRole);
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn two_owners_who_disable_each_other_at_once_leave_one() {
    let shop = Shop::open().await;
    let (ada, _) = ada(&shop).await;
    let bob = active(&shop, "bob@shop.example", Role::Owner).await;
    let other = shop.other();
    let theirs = request(&other, Mode::Live, Actor::User { id: bob.id });
    shop.meanwhile.happens(async move {
        other.platform.disable_user(&theirs, ada.id).await.unwrap();
    });
    let mine = request(&shop, Mode::Live, Actor::User { id: ada.id });
    assert_eq!(refused(shop.platform.disable_user(&mine, bob.id).await), Refusal::AboveRole);
    let operator = By::operator("root");
    let last = shop.platform.disable_user_by(&operator, shop.account.id, bob.id).await;
    assert_eq!(refused(last), Refusal::LastOwner);
    let states: Vec<State> =
        shop.platform.users_of(shop.account.id).await.unwrap().iter().map(|user| user.memberships[&shop.account.id].state).collect();
    assert_eq!(states, [State::Disabled, State::Active]);
}

#[tokio::test]
async fn one_address_is_one_person_also_when_two_invite_it_at_once() {
    let shop = Shop::open().await;
    let other = shop.other();
    shop.meanwhile.happens(async move {
        invited(&other, "ada@shop.example", Role::Support).await;
    });
    let (user, _) = invited(&shop, "ADA@shop.example", Role::Analyst).await;
    let all = shop.platform.users_of(shop.account.id).await.unwrap();
    assert_eq!((all.len(), all[0].id, all[0].memberships[&shop.account.id].role), (1, user.id, Role::Analyst));
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn whoever_has_the_machine_lets_somebody_begin_anew() {
    let shop = Shop::open().await;
    let (user, first) = ada(&shop).await;
    let factor = with_factor(&shop, &first).await;
    let operator = By::operator("root");
    let (_, link) = shop.platform.reset_user_by(&operator, shop.account.id, user.id).await.unwrap();
    assert!(!is_in(&shop, &factor.logged_in).await);
    refused(log_in(&shop, "ada@shop.example", PASSWORD).await);
    shop.platform.accept_invitation(&visit(), &link.0, &text("another horse")).await.unwrap();
    let anew = log_in(&shop, "ada@shop.example", "another horse").await.unwrap();
    assert_eq!((anew.session.proof, anew.user.role_in(shop.account.id)), (Proof::Password, Some(Role::Owner)));
}

#[tokio::test]
async fn who_has_a_password_shows_it_to_take_another_accounts_invitation() {
    let shop = Shop::open().await;
    ada(&shop).await;
    let second = payments::accounts::NewAccount {
        name: "Second".to_owned(),
        email: None,
        country: "US".to_owned(),
        default_currency: domain::currency::Currency::Usd,
        statement_descriptor: None,
    };
    let second = shop.platform.create_account(&By::operator("root"), &second).await.unwrap().id;
    let new = new("ada@shop.example", Role::Analyst);
    let (_, link) = shop.platform.invite_user_by(&By::operator("root"), second, &new).await.unwrap();
    let take = async |password: &str| shop.platform.accept_invitation(&visit(), &link.0, &text(password)).await;
    assert_eq!(refused(take("another horse").await), Refusal::WrongPassword);
    let user = take(PASSWORD).await.unwrap();
    assert_eq!((user.role_in(second), user.role_in(shop.account.id)), (Some(Role::Analyst), Some(Role::Owner)));
    assert_eq!(shop.differences().await, Vec::<String>::new());
}
