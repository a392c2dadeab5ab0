//! What was begun is ended as it was begun, whoever ends it.

use domain::outcome::{AuthorizeOutcome, UnknownReason};
use domain::payment_intent::{Status, ThreeDSecureRequest};

use crate::bank::Sent;
use crate::shop::{Shop, payment_asking};

#[tokio::test]
async fn what_is_sent_again_asks_for_authentication_as_it_did_at_first() {
    for choice in [ThreeDSecureRequest::Automatic, ThreeDSecureRequest::Any, ThreeDSecureRequest::Challenge] {
        let mut shop = Shop::open().await;
        shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
        let intent = shop.pay(&payment_asking(choice)).await;
        assert_eq!(intent.status, Status::Processing);
        shop.crash();
        shop.recover().await;
        assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
        let key = domain::provider_key::ProviderKey::authorize(intent.latest_attempt.unwrap());
        assert_eq!(shop.bank.sent(), [Sent::Authorize(key.clone(), choice), Sent::Authorize(key, choice)]);
    }
}
