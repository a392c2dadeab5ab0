//! Keys that sign access tokens, and outside issuers: what several servers do to them at once.

use domain::permission::{Access, Permissions, Resource};
use domain::token_key::{KNOWN_BEFORE_MS, REPLACED_AFTER_MS};
use payments::tokens::NewIssuer;
use payments::{By, Error};

use crate::shop::Shop;

fn issuer(shop: &Shop) -> NewIssuer {
    NewIssuer {
        issuer: "https://issuer.example".to_owned(),
        audience: "bursar".to_owned(),
        scope: shop.scope,
        prefix: String::new(),
        permissions: Permissions::of([(Resource::Charges, Access::Read)]),
    }
}

#[tokio::test]
async fn of_two_who_trust_an_issuer_for_the_same_audience_at_once_one_does() {
    let shop = Shop::open().await;
    let by = By::operator("test");
    let other = shop.clone();
    shop.meanwhile.happens(async move {
        other.platform.trust_issuer(&By::operator("test"), &issuer(&other)).await.unwrap();
    });
    let refused = shop.platform.trust_issuer(&by, &issuer(&shop)).await;
    assert!(matches!(refused, Err(Error::Parameter { param: "issuer", .. })), "{refused:?}");
    assert_eq!(shop.platform.trusted_issuers().await.unwrap().len(), 1);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn of_two_servers_that_need_a_key_at_once_one_makes_it() {
    let shop = Shop::open().await;
    let other = shop.clone();
    shop.meanwhile.happens(async move {
        other.platform.token_signer().await.unwrap();
    });
    let signer = shop.platform.token_signer().await.unwrap();
    let keys = shop.platform.latest_token_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [signer.id]);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_key_is_followed_by_another_in_time_and_without_anybodys_help() {
    let shop = Shop::open().await;
    let first = shop.platform.token_signer().await.unwrap().id;
    shop.pass(REPLACED_AFTER_MS);
    assert_eq!(shop.platform.token_signer().await.unwrap().id, first, "the next one is not known to anybody yet");
    let published: Vec<_> = shop.platform.token_keys().await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!((published.len(), published.last()), (2, Some(&first)));
    shop.pass(KNOWN_BEFORE_MS);
    assert_eq!(shop.platform.token_signer().await.unwrap().id, published[0]);
    shop.pass(KNOWN_BEFORE_MS);
    let left: Vec<_> = shop.platform.token_keys().await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(left, published[..1], "what the first one signed opens nothing any more");
}
