//! What every test of the store needs: a migrated database and a connection to add.

use std::collections::BTreeMap;

use leadrail_connections::{Connection, Connections, NewConnection, Vault, VaultKey};
use leadrail_postgres::testing::TestDatabase;
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;

/// A secret that must not be seen anywhere but in an opened credential.
pub(crate) const CANARY: &str = "hcp_live_canary_7f3a";

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_KEY: &str = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A database of the test's own and the store in it.
pub(crate) struct Setup {
    pub(crate) pool: PgPool,
    pub(crate) connections: Connections,
    _database: TestDatabase,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let (database, pool) = empty_database().await;
        leadrail_connections::migrate(&pool)
            .await
            .expect("migrated");
        let connections = store(&pool, KEY);
        Self {
            pool,
            connections,
            _database: database,
        }
    }

    /// The store as another process sees it: same database and key, own cache.
    pub(crate) fn elsewhere(&self) -> Connections {
        store(&self.pool, KEY)
    }

    /// The store of someone who was given another vault key.
    pub(crate) fn with_other_key(&self) -> Connections {
        store(&self.pool, OTHER_KEY)
    }

    /// The store of someone who has the other key, and ours as the older one.
    pub(crate) fn with_both_keys(&self) -> Connections {
        let key = |text| VaultKey::parse(text).expect("a key");
        let vault = Vault::from(key(OTHER_KEY)).with_older(key(KEY));
        Connections::new(self.pool.clone(), vault)
    }

    pub(crate) async fn add(&self, account: &str, crm_account_id: Option<&str>) -> Connection {
        let new = new_connection(account, crm_account_id);
        self.connections.add(new).await.expect("added")
    }

    /// One that nobody has signed in to yet.
    pub(crate) async fn prepare(&self, account: &str, crm_account_id: Option<&str>) -> Connection {
        let mut new = new_connection(account, crm_account_id);
        new.secrets.clear();
        self.connections.prepare(new).await.expect("prepared")
    }
}

fn store(pool: &PgPool, key: &str) -> Connections {
    Connections::new(pool.clone(), VaultKey::parse(key).expect("a key"))
}

pub(crate) async fn empty_database() -> (TestDatabase, PgPool) {
    let database = TestDatabase::fresh().await;
    let pool = PgPool::connect(database.url()).await.expect("connected");
    (database, pool)
}

/// The one secret of Housecall Pro's usual way in.
pub(crate) fn api_key(secret: &str) -> BTreeMap<String, SecretString> {
    BTreeMap::from([("api_key".to_owned(), SecretString::from(secret))])
}

pub(crate) fn new_connection(account: &str, crm_account_id: Option<&str>) -> NewConnection {
    NewConnection {
        account: account.into(),
        crm: "housecall_pro".into(),
        crm_account_id: crm_account_id.map(Into::into),
        base_url: None,
        auth_method: "api_key".into(),
        secrets: api_key(CANARY),
        settings: json!({}),
    }
}
