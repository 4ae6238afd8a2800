//! Why nobody has signed in.

use leadrail_adapters::oauth::{Provider, is_of_client};

use super::call::harmless;
use super::exchange::TokenFault;
use crate::ConnectionError;

/// Why nobody has signed in, by what to tell the person. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The link ended, was used, or never was one.
    #[error("This link has ended. Ask for a new one.")]
    NoLink,
    /// The state is not this browser's, was used, or ended.
    #[error("For safety this step starts again: open the link that you were given once more.")]
    Again,
    /// The person said no.
    #[error("You chose not to allow it. Nothing was connected.")]
    Denied,
    /// The provider said no.
    #[error("{title} did not let us in ({code}). Nothing was connected.")]
    Refused {
        /// The provider's title.
        title: &'static str,
        /// Its word for it, in harmless letters.
        code: String,
    },
    /// The answer does not come from whom it should.
    #[error("The answer does not come from {title}. Nothing was connected.")]
    Stranger {
        /// The provider's title.
        title: &'static str,
    },
    /// The provider, or the CRM, did not answer.
    #[error("{title} did not answer. Nothing is lost: open the link once more in a minute.")]
    Away {
        /// The provider's title.
        title: &'static str,
    },
    /// The account may not do what we need.
    #[error("{title} let us in, but does not allow what is needed: {detail}.")]
    NotAllowed {
        /// The provider's title.
        title: &'static str,
        /// What is missing, in our words.
        detail: String,
    },
    /// Somebody signed in to another company than the one that the connection is for.
    #[error(
        "You signed in to {new}; this connection belongs to {old}, and the leads that wait are meant for \
         it. Nothing was changed: sign in to {old}."
    )]
    OtherCompany {
        /// The company that the connection is for.
        old: String,
        /// The company that was signed in to.
        new: String,
    },
    /// The company is connected for another account.
    #[error("{new} is connected for another account already. Nothing was connected.")]
    Elsewhere {
        /// The company that was signed in to.
        new: String,
    },
    /// The operator has to give our client with the provider.
    #[error(
        "We are not set up with {title} yet. Nothing was connected; whoever sent you can help."
    )]
    NotSetUp {
        /// The provider's title.
        title: &'static str,
    },
    /// Our own fault.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

pub(super) fn not_set_up(provider: &Provider) -> SignInError {
    SignInError::NotSetUp {
        title: provider.title,
    }
}

/// What the provider's page said.
pub(super) fn said_no(title: &'static str, error: &str) -> SignInError {
    if error == "access_denied" {
        return SignInError::Denied;
    }
    SignInError::Refused {
        title,
        code: harmless(error),
    }
}

/// What its token endpoint said.
pub(super) fn unredeemed(provider: &'static Provider, fault: TokenFault) -> SignInError {
    let title = provider.title;
    match fault {
        TokenFault::Refused(code) if is_of_client(&code) => {
            tracing::error!(
                "{title} refuses our own client ({code}); `leadrail provider set` gives another"
            );
            not_set_up(provider)
        }
        TokenFault::Refused(code) => SignInError::Refused { title, code },
        TokenFault::Call(_) => SignInError::Away { title },
    }
}
