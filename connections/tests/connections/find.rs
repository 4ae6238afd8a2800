//! A lead finds the one connection it may go through, or none.

use crate::support::Setup;
use leadrail_connections::Lookup;

/// What stands in the account (before the name, `-`: disabled, `?`: pending), what the lead names, what it
/// gets.
type Case = (&'static [&'static str], Option<&'static str>, &'static str);

const NONE_GIVEN: &str = "";

#[tokio::test]
async fn a_lead_gets_the_connection_it_names_or_the_only_one() {
    let table: &[Case] = &[
        // The lead names a CRM account: that one exactly.
        (&["a"], Some("a"), "a"),
        (&["a", "b"], Some("b"), "b"),
        (&["a", "-b"], Some("b"), "b"),
        (&["a"], Some("b"), "none"),
        // Or the only one, if that was made without: there is no other that could be meant.
        (&[NONE_GIVEN], Some("a"), NONE_GIVEN),
        (&[NONE_GIVEN, "b"], Some("a"), "none"),
        (&["a"], Some("A"), "none"),
        (&[], Some("a"), "none"),
        // It names none: the one made without, or the only one.
        (&["a"], None, "a"),
        (&["a"], Some(""), "a"),
        (&[NONE_GIVEN], None, NONE_GIVEN),
        (&[NONE_GIVEN, "a", "b"], None, NONE_GIVEN),
        (&["a", "b"], None, "ambiguous"),
        (&["a", "b", "c"], None, "ambiguous"),
        (&[], None, "none"),
        // Retired ones count only when there is nothing else.
        (&["-a", "b"], None, "b"),
        (&["-", "b"], None, "b"),
        (&["-a", "b", "c"], None, "ambiguous"),
        (&["-a"], None, "a"),
        (&["-", "-a"], None, NONE_GIVEN),
        (&["-a", "-b"], None, "ambiguous"),
        // One that nobody has signed in to yet takes no leads from those that work.
        (&["a", "?b"], None, "a"),
        (&["a", "?"], None, "a"),
        (&["a", "?b"], Some("b"), "b"),
        (&["?a"], None, "a"),
        (&["?"], Some("a"), NONE_GIVEN),
        (&["?a", "-b"], None, "a"),
        (&["?a", "?b"], None, "ambiguous"),
    ];
    let setup = Setup::new().await;
    for (number, (present, wanted, expected)) in table.iter().enumerate() {
        let account = format!("acct_{number}");
        for name in *present {
            let (disabled, pending) = (name.strip_prefix('-'), name.strip_prefix('?'));
            let id = disabled.or(pending).unwrap_or(name);
            let id = Some(id).filter(|id| !id.is_empty());
            let added = match pending {
                Some(_) => setup.prepare(&account, id).await,
                None => setup.add(&account, id).await,
            };
            if disabled.is_some() {
                setup
                    .connections
                    .disable(added.id, "retired")
                    .await
                    .expect("disabled");
            }
        }
        // Twice, because the second answer is a remembered one.
        for _ in 0..2 {
            let found = setup
                .connections
                .find(&account, "housecall_pro", *wanted)
                .await;
            let found = describe(found.expect("an answer"));
            assert_eq!(found, *expected, "{present:?} asked for {wanted:?}");
        }
    }
}

#[tokio::test]
async fn another_account_or_crm_is_never_found() {
    let setup = Setup::new().await;
    setup.add("acct_1", Some("hcp_1")).await;
    for (account, crm) in [
        ("acct_2", "housecall_pro"),
        ("acct_1", "jobber"),
        ("ACCT_1", "housecall_pro"),
    ] {
        for wanted in [None, Some("hcp_1")] {
            let found = setup.connections.find(account, crm, wanted).await;
            assert_eq!(found.expect("an answer"), Lookup::None, "{account} {crm}");
        }
    }
}

#[tokio::test]
async fn hostile_names_find_nothing_and_break_nothing() {
    let setup = Setup::new().await;
    setup.add("acct_1", Some("hcp_1")).await;
    let huge = "x".repeat(1_000_000);
    let odd = [
        "\0",
        "acct_1\0",
        " acct_1",
        "acct_1\n",
        "' or 1=1 --",
        "%",
        &huge,
    ];
    let as_account = odd.map(|odd| (odd, "housecall_pro", None));
    let as_crm = odd.map(|odd| ("acct_1", odd, None));
    let as_crm_account = odd.map(|odd| ("acct_1", "housecall_pro", Some(odd)));
    let empty = [("", "housecall_pro", None), ("acct_1", "", None)];
    for (account, crm, wanted) in [&as_account[..], &as_crm, &as_crm_account, &empty].concat() {
        let found = setup.connections.find(account, crm, wanted).await;
        assert_eq!(found.expect("an answer"), Lookup::None);
    }
}

#[tokio::test]
async fn a_connection_made_after_a_fruitless_look_up_is_found_at_once() {
    let setup = Setup::new().await;
    let here = setup.elsewhere();
    let before = here
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("an answer");
    assert_eq!(before, Lookup::None);
    let added = setup.add("acct_1", None).await;
    let after = here
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("an answer");
    assert_eq!(after, Lookup::Found(Box::new(added)));
}

fn describe(found: Lookup) -> String {
    match found {
        Lookup::Found(connection) => connection.crm_account_id.unwrap_or_default(),
        Lookup::Ambiguous => "ambiguous".into(),
        Lookup::None => "none".into(),
    }
}
