//! Credentials move from one vault key to the next while leads flow.

use leadrail_connections::{ConnectionError, Rotated, SealedWith, VaultError, sealed_with};
use secrecy::ExposeSecret as _;

use crate::support::{CANARY, Setup};

#[tokio::test]
async fn every_credential_moves_to_the_new_key_and_the_old_one_is_refused() {
    let setup = Setup::new().await;
    let ids = [
        setup.add("acct_1", None).await.id,
        setup.add("acct_1", Some("hcp_2")).await.id,
        setup.add("acct_2", None).await.id,
    ];
    let both = setup.with_both_keys();
    let mut told = Vec::new();
    let rotated = both.rotate(|moved| told.push(moved)).await.expect("moved");
    assert_eq!((rotated, told), (Rotated { moved: 3, left: 0 }, vec![3]));
    for id in ids {
        let open = setup.with_other_key().open(id).await.expect("opens");
        let mut secrets = open.secrets.iter();
        let (_, secret) = secrets.next().expect("a secret");
        assert_eq!(secret.expose_secret(), CANARY);
    }
    let refused = setup.elsewhere().check_vault_key().await;
    assert!(matches!(
        refused,
        Err(ConnectionError::Vault {
            source: VaultError::KeyMismatch { .. },
            ..
        })
    ));
    let again = both.rotate(|_| {}).await.expect("nothing to do");
    assert_eq!(again, Rotated::default());
}

#[tokio::test]
async fn a_rotation_that_stopped_half_way_goes_on_and_a_key_that_is_missing_is_counted() {
    let setup = Setup::new().await;
    for account in ["acct_1", "acct_2", "acct_3"] {
        setup.add(account, None).await;
    }
    // One was connected again under the new key before the others moved.
    let both = setup.with_both_keys();
    both.add(crate::support::new_connection("acct_2", None))
        .await
        .expect("connected again");
    assert_eq!(both.rotate(|_| {}).await.expect("moved").moved, 2);

    setup.add("acct_4", None).await;
    let without = setup.with_other_key();
    let rotated = without.rotate(|_| {}).await.expect("counted");
    assert_eq!(rotated, Rotated { moved: 0, left: 1 });
    let keys = both.vault_keys();
    let sealed = |key: usize, connections| SealedWith {
        vault_key_id: keys[key].clone(),
        connections,
        clients: 0,
    };
    let counted = sealed_with(&setup.pool.clone().into())
        .await
        .expect("counted");
    assert_eq!(counted, [sealed(0, 3), sealed(1, 1)]);
}

#[tokio::test]
async fn thousands_of_credentials_move_while_they_are_read_and_connected_again() {
    let setup = Setup::new().await;
    let first = setup.add("acct_1", None).await;
    for n in 0..1_200 {
        let new = crate::support::new_connection("acct_2", Some(&format!("hcp_{n}")));
        setup.connections.add(new).await.expect("added");
    }
    let both = setup.with_both_keys();
    let reading = async {
        for _ in 0..50 {
            both.open_now(first.id).await.expect("opens all the time");
            setup.add("acct_3", None).await;
        }
    };
    let (rotated, ()) = tokio::join!(both.rotate(|_| {}), reading);
    let again = both.rotate(|_| {}).await.expect("moved");
    assert!(rotated.expect("moved").moved + again.moved >= 1_202);
    assert_eq!(again.left, 0);
    both.open_now(first.id).await.expect("opens");
}
