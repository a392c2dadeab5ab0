//! Cards to pay with.

use domain::decline::CardErrorCode;
use payments::Error;
use payments::payment_methods::update::PaymentMethodChange;

use crate::shop::Shop;

#[tokio::test]
async fn an_expiry_that_cannot_be_one_is_refused_by_the_part_that_is_wrong() {
    let shop = Shop::open().await;
    let card = shop.set_up(None).await.payment_method.unwrap().to_string();
    let table = [
        ((13, 2040), CardErrorCode::InvalidExpiryMonth, "card[exp_month]"),
        ((0, 2040), CardErrorCode::InvalidExpiryMonth, "card[exp_month]"),
        ((12, 1999), CardErrorCode::InvalidExpiryYear, "card[exp_year]"),
        ((12, 20400), CardErrorCode::InvalidExpiryYear, "card[exp_year]"),
    ];
    for (expiry, expected, at_fault) in table {
        let change = PaymentMethodChange { expiry: Some(expiry), ..PaymentMethodChange::default() };
        let refused = shop.platform.update_payment_method(&shop.request(), &card, &change).await;
        let Err(Error::Card { code, param }) = refused else { panic!("{expiry:?}: {refused:?}") };
        assert_eq!((code, param), (expected, at_fault), "{expiry:?}");
    }
}
