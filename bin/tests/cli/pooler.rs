//! Behind a pooler nothing runs, and the sentence says what to do.

use crate::kit::Cli;
use leadrail_postgres::testing::Pooler;

const WAYS: [(&str, &str); 5] = [
    ("session", ""),
    ("session", "extra_float_digits"),
    ("session", "extra_float_digits,options"),
    ("transaction", "extra_float_digits"),
    ("transaction", "extra_float_digits,options"),
];

#[tokio::test]
async fn a_pooler_is_refused_at_the_start_in_any_mode_and_nothing_waits_for_it() {
    let direct = Cli::migrated().await;
    for (mode, ignored) in WAYS {
        let pooler = Pooler::start(direct.url(), mode, ignored);
        let cli = Cli::new()
            .with("DATABASE_URL", &pooler.url())
            .with("LEADRAIL_VAULT_KEY", crate::kit::VAULT_KEY);
        for arguments in [
            &["worker"][..],
            &["serve", "--listen", "127.0.0.1:0"],
            &["migrate"],
            &["lead", "list"],
            &["doctor"],
        ] {
            let ran = cli.run(arguments);
            let said = ran.out + &ran.err;
            assert_eq!(ran.code, 1, "{mode} {ignored} {arguments:?}: {said}");
            for words in [
                "a connection pooler stands",
                "the address of PostgreSQL itself",
            ] {
                assert!(
                    said.contains(words),
                    "{mode} {ignored} {arguments:?}: {said}"
                );
            }
        }
    }
    direct.run(&["doctor"]).well();
}
