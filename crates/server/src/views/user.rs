//! A person who looks after an account, as that account sees them.

use domain::id::UserId;
use domain::time::Timestamp;
use domain::user::State;
use payments::outcome::ShownUser;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;

/// A person who looks after the account; the text of their invitation is in the answer that makes it, and nowhere else.
#[derive(Serialize, ToSchema)]
pub struct User<'a> {
    #[schema(value_type = String)]
    id: UserId,
    /// `user`.
    object: &'static str,
    /// When they were invited first, in seconds since 1970.
    created: i64,
    email: &'a str,
    /// What lets them choose a password: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<&'a str>,
    /// When the invitation is good no more; null if there is none.
    invitation_expires_at: Option<i64>,
    /// Always true: what people may do holds for live data.
    livemode: bool,
    name: Option<&'a str>,
    /// `owner`, `admin`, `developer`, `support` or `analyst`.
    role: &'static str,
    /// Whether a second factor is in use; null until they have taken their invitation.
    second_factor: Option<bool>,
    /// `invited`, `active` or `disabled`.
    status: &'static str,
}

impl<'a> User<'a> {
    /// The person as the API shows them; `None` if they are nothing to that account.
    #[must_use]
    pub fn view(shown: &'a ShownUser, _: Context) -> Option<Self> {
        let (user, membership) = (&shown.user, shown.user.memberships.get(&shown.account)?);
        // What they do elsewhere is no business of an account that they do not look after.
        let second_factor = (membership.state == State::Active).then(|| user.second_factor.is_on());
        Some(Self {
            id: user.id,
            object: "user",
            created: membership.created_at.seconds(),
            email: &user.email,
            invitation: shown.invitation.as_ref().map(|text| text.0.as_str()),
            invitation_expires_at: membership.invitation.as_ref().map(|invitation| invitation.expires_at).map(Timestamp::seconds),
            livemode: true,
            name: membership.name.as_deref(),
            role: membership.role.as_str(),
            second_factor,
            status: membership.state.as_str(),
        })
    }
}
