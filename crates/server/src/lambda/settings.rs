//! What a function is told by its environment. Values that are names of secrets are looked up once, when the process starts.

use crate::compose::{Settings, SetupError, Webhooks};
use crate::webhooks::Reach;

use super::secrets::Secrets;

/// The name under which Bursar's functions speak to the bank simulator.
pub(super) const BANK_USER: &str = "bursar";

/// The variables, read.
pub(super) struct Variables {
    /// What the function is.
    pub(super) handler: Option<String>,
    /// What its figures are about.
    pub(super) environment: String,
    /// Where the bank simulator keeps its books.
    pub(super) bank_books: Option<String>,
    /// Opens the bank simulator.
    pub(super) bank_password: Option<String>,
    store: Option<String>,
    bank: Option<String>,
    vault_key: Option<String>,
    public_url: Option<String>,
    webhooks_allow_private: bool,
}

impl Variables {
    /// Reads the variables that `find` finds.
    ///
    /// # Errors
    /// A secret cannot be looked up.
    pub(super) async fn read(find: &(dyn Fn(&str) -> Option<String> + Send + Sync)) -> Result<Self, SetupError> {
        let secrets = Secrets::new(find);
        let (store, bank, bank_password, vault_key) = futures::try_join!(
            secrets.value("BURSAR_STORE"),
            secrets.value("BURSAR_BANK"),
            secrets.value("BURSAR_BANK_PASSWORD"),
            secrets.value("BURSAR_VAULT_KEY"),
        )?;
        Ok(Self {
            handler: find("_HANDLER"),
            environment: find("BURSAR_ENVIRONMENT").unwrap_or_else(|| "default".to_owned()),
            bank_books: find("BURSAR_BANK_BOOKS"),
            bank_password,
            store,
            bank,
            vault_key,
            public_url: find("BURSAR_PUBLIC_URL"),
            webhooks_allow_private: find("BURSAR_WEBHOOKS_ALLOW_PRIVATE").is_some_and(|word| word == "true"),
        })
    }

    /// How Bursar is to be put together.
    ///
    /// # Errors
    /// A variable is missing that has no default on Lambda.
    pub(super) fn settings(self) -> Result<Settings, SetupError> {
        let missing = |name: &str| SetupError(format!("{name} must be set on Lambda"));
        let bank = self.bank.ok_or_else(|| missing("BURSAR_BANK"))?;
        Ok(Settings {
            store: self.store.ok_or_else(|| missing("BURSAR_STORE"))?,
            bank: Some(self.bank_password.map_or(Ok(bank.clone()), |password| with_password(&bank, &password))?),
            vault_key: self.vault_key,
            audit_signing_key: None,
            public_url: self.public_url.ok_or_else(|| missing("BURSAR_PUBLIC_URL"))?.trim_end_matches('/').to_owned(),
            webhooks: Webhooks::WhenTold(if self.webhooks_allow_private { Reach::Private } else { Reach::Public }),
        })
    }
}

/// An address that says who asks.
fn with_password(bank: &str, password: &str) -> Result<String, SetupError> {
    let wrong = || SetupError("BURSAR_BANK must be an address: https://…".to_owned());
    let mut url = reqwest::Url::parse(bank).map_err(|_| wrong())?;
    url.set_username(BANK_USER).map_err(|()| wrong())?;
    url.set_password(Some(password)).map_err(|()| wrong())?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> + Send + Sync {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[tokio::test]
    async fn plain_values_are_taken_as_they_are() {
        let find = of(&[
            ("BURSAR_STORE", "memory:"),
            ("BURSAR_BANK", "https://bank.example/below/"),
            ("BURSAR_BANK_PASSWORD", "a/b"),
            ("BURSAR_PUBLIC_URL", "https://pay.example/"),
        ]);
        let settings = Variables::read(&find).await.and_then(Variables::settings).unwrap();
        assert_eq!(settings.store, "memory:");
        assert_eq!(settings.bank.as_deref(), Some("https://bursar:a%2Fb@bank.example/below/"));
        assert_eq!(settings.public_url, "https://pay.example");
    }

    #[tokio::test]
    async fn what_has_no_default_here_is_asked_for() {
        let complaint = Variables::read(&of(&[("BURSAR_BANK", "memory:")])).await.and_then(Variables::settings).err().unwrap().to_string();
        assert!(complaint.contains("BURSAR_STORE"), "{complaint}");
    }
}
