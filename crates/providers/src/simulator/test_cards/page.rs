//! docs/test-cards.md: the table of test cards for people.
//!
//! `BURSAR_WRITE_DOCS=1 cargo test -p bursar-providers the_page_of_test_cards` writes it anew.

use std::fmt::Write;
use std::path::Path;

use super::{GROUPS, METHOD_PREFIX, TOKEN_PREFIX};

const INTRODUCTION: &str = "\
# Test cards

The bank simulator does what the card says. Use any expiry date in the future and any security code of the right
length (four digits for American Express, three otherwise). Any valid card number that is not listed is approved.

A name stands for a payment method, `pm_card_<name>`, and for a token, `tok_<name>`: `pm_card_visa`, `tok_visa`.
The numbers that begin with 40009900 are the simulator's own; all others are the test cards published in Stripe's
documentation. The published number 4242424242424241 has a wrong check digit: it is refused as `incorrect_number`
before it reaches the bank.

Faults strike the first try of an operation. After that the bank answers truthfully: a query by the operation's key
tells what is booked, and the same key sent again gets the first outcome. \"Late\" and \"later\" are options of the
simulator (3 and 10 seconds unless set otherwise). 3-D Secure happens on a page of the simulator where a person
approves or refuses.

Each card's `incorrect_cvc` and check results need the data they are about: without a security code there is nothing
to check, and the payment is approved.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in GROUPS {
        write!(page, "\n## {}\n\n| number | names | what it does |\n| --- | --- | --- |\n", group.title).unwrap();
        for card in group.cards {
            let names: Vec<String> = card.names.iter().map(|name| format!("`{name}`")).collect();
            writeln!(page, "| {} | {} | {} |", card.number, names.join(" "), card.about).unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_test_cards_is_the_table() {
    assert!(INTRODUCTION.contains(METHOD_PREFIX) && INTRODUCTION.contains(TOKEN_PREFIX));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/test-cards.md");
    if std::env::var_os("BURSAR_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/test-cards.md differs from the table; write it anew with BURSAR_WRITE_DOCS=1");
}
