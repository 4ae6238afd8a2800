//! TLS: the certificate, and the next one when its files change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, fs, io};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at. They are a few kilobytes, and a look finds what any way of
/// replacing them has left, be it a rename, a link or a write.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not for us.
    #[error("{file} cannot be read; correct its path or its rights")]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file has nothing of its kind in it.
    #[error("{file} holds no {what} in PEM (-----BEGIN ...); the two files may be exchanged")]
    Empty {
        /// Which one.
        file: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The two do not belong together, or are not what TLS takes.
    #[error(
        "the certificate in {certificate} and the key in {key} cannot be used together: {reason}"
    )]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: rustls::Error,
    },
    /// Everybody on this machine could speak in our name.
    #[error("{file} can be read by everybody on this machine; run `chmod o-r` on it")]
    Public {
        /// The key's file.
        file: PathBuf,
    },
}

/// A certificate with its key, which follows its files. Clones share it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

/// The files, and what was last taken from them.
struct Current {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    used: RwLock<Arc<CertifiedKey>>,
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Found {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the chain of certificates and the key, each in PEM.
    ///
    /// # Errors
    /// What is wrong with a file, or with both together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let found = Found::read(&certificate, &key)?;
        let used = certified(&found, &certificate, &key, &provider)?;
        let current = Arc::new(Current {
            certificate,
            key,
            provider: provider.clone(),
            used: RwLock::new(Arc::new(used)),
        });
        let versions = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|reason| unusable(&current.certificate, &current.key, reason))?;
        let mut config = versions
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            current,
        })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }

    /// Takes what the files hold whenever it changes, for connections that come from then on. What
    /// cannot be used is said once, and what was used before stays in use.
    pub(crate) async fn follow(self) {
        let mut seen = None;
        loop {
            let current = self.current.clone();
            let looking = tokio::task::spawn_blocking(move || {
                let found = Found::read(&current.certificate, &current.key);
                let taken = found.as_ref().map(|found| current.take(found));
                let said = match taken {
                    Ok(Ok(is_new)) => Ok(is_new),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                (found.ok(), said)
            });
            if let Ok((found, said)) = looking.await
                && seen.as_ref() != Some(&found)
            {
                self.say(said);
                seen = Some(found);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn say(&self, taken: Result<bool, String>) {
        let file = self.current.certificate.display();
        match taken {
            Ok(true) => tracing::info!("The certificate in {file} has changed and is in use"),
            Ok(false) => {}
            Err(why) => tracing::error!(
                "A new certificate is not used, and the one before it still is: {why}"
            ),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.current.certificate.display())
    }
}

impl Current {
    /// Uses what was found; whether it is another certificate than before.
    fn take(&self, found: &Found) -> Result<bool, TlsError> {
        let new = certified(found, &self.certificate, &self.key, &self.provider)?;
        let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = used.cert != new.cert;
        if is_new {
            *used = Arc::new(new);
        }
        Ok(is_new)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let used = self.used.read().unwrap_or_else(PoisonError::into_inner);
        Some(used.clone())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl Found {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |file: &Path| {
            fs::read(file).map_err(|source| TlsError::Unreadable {
                file: file.to_owned(),
                source,
            })
        };
        let found = Self {
            certificate: read(certificate)?,
            key: read(key)?,
        };
        match fs::metadata(key).is_ok_and(|about| about.mode() & 0o004 != 0) {
            true => Err(TlsError::Public {
                file: key.to_owned(),
            }),
            false => Ok(found),
        }
    }
}

fn certified(
    found: &Found,
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let empty = |file: &Path, what| TlsError::Empty {
        file: file.to_owned(),
        what,
    };
    let chain = CertificateDer::pem_slice_iter(&found.certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| empty(certificate, "certificate"))?;
    let private = PrivateKeyDer::from_pem_slice(&found.key);
    let private = private.map_err(|_| empty(key, "private key"))?;
    let certified = CertifiedKey::from_der(chain, private, provider);
    certified.map_err(|reason| unusable(certificate, key, reason))
}

fn unusable(certificate: &Path, key: &Path, reason: rustls::Error) -> TlsError {
    TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason,
    }
}
