use super::layers::DEFAULTS;
use super::*;
use crate::failure::{Usage, sentence};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;

type Flag = (&'static str, &'static str, String);

fn config(file: &str, variables: &[(&str, &str)], flags: &[Flag]) -> anyhow::Result<Config> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    read(Layers::read(Some(written.path()), variables, flags)?)
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    let error = config(file, variables, &[]).err().expect("it is refused");
    assert!(error.is::<Usage>(), "a wrong use: {error}");
    sentence(&error)
}

#[test]
fn the_documented_defaults_name_every_key_and_no_other() {
    let documented = toml_keys::read(DEFAULTS);
    let known: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    assert_eq!(documented, known);
    for key in KEYS {
        assert!(
            DEFAULTS.contains(key.variable),
            "{} is not documented",
            key.variable
        );
    }
}

mod toml_keys {
    use config::{Config, File, FileFormat, Value, ValueKind};
    use std::collections::BTreeSet;

    pub(super) type Keys = BTreeSet<String>;

    pub(super) fn read(text: &str) -> Keys {
        let built = Config::builder().add_source(File::from_str(text, FileFormat::Toml));
        let mut keys = Keys::new();
        walk("", &built.build().unwrap().cache, &mut keys);
        keys
    }

    fn walk(name: &str, value: &Value, keys: &mut Keys) {
        let ValueKind::Table(fields) = &value.kind else {
            keys.insert(name.to_owned());
            return;
        };
        for (field, value) in fields {
            let below = format!("{name}.{field}");
            walk(below.trim_start_matches('.'), value, keys);
        }
    }
}

#[test]
fn the_defaults_are_the_engines_own() {
    let config = config("", &[], &[]).unwrap();
    let engine = WorkerConfig::default();
    assert_eq!(config.worker.concurrency, engine.concurrency);
    assert_eq!(config.worker.lease, engine.lease);
    assert_eq!(config.worker.grace, engine.grace);
    assert_eq!(config.worker.poll, engine.poll);
    assert_eq!(config.worker.schedule, engine.schedule);
    assert_eq!(config.worker.limits, engine.limits);
    // Besides the process, people want to know on which machine it is.
    let process = format!("-{}", std::process::id());
    assert!(config.worker.name.ends_with(&process) && engine.name.ends_with(&process));
    assert!(config.database_url.is_none() && config.call_timeout.is_none());
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = "listen = '127.0.0.1:1'";
    let variable = [("LEADRAIL_LISTEN", "127.0.0.1:2")];
    let flag: [Flag; 1] = [("listen", "--listen", "127.0.0.1:3".to_owned())];
    let none: &[(&str, &str)] = &[];
    let table = [
        (config("", none, &[]), 4000, "default"),
        (config(file, none, &[]), 1, "/"),
        (config(file, &variable, &[]), 2, "LEADRAIL_LISTEN"),
        (config(file, &variable, &flag), 3, "--listen"),
        (config("", none, &flag), 3, "--listen"),
    ];
    for (config, port, from) in table {
        let config = config.unwrap();
        assert_eq!(config.listen.port(), port);
        let setting = config.layers.setting("listen");
        assert!(
            setting.from.contains(from),
            "{} is not from {from}",
            setting.from
        );
    }
}

#[test]
fn our_own_database_variable_beats_the_common_one() {
    let common = ("DATABASE_URL", "postgres://a/common");
    let ours = ("LEADRAIL_DATABASE_URL", "postgres://a/ours");
    let url = |variables: &[(&str, &str)]| {
        let config = config("database_url = 'postgres://a/file'", variables, &[]).unwrap();
        config.database_url.unwrap().expose_secret().to_owned()
    };
    assert_eq!(url(&[]), "postgres://a/file");
    assert_eq!(url(&[common]), "postgres://a/common");
    assert_eq!(url(&[common, ours]), "postgres://a/ours");
    assert_eq!(url(&[ours, common]), "postgres://a/ours");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let table = [
        ("database_ulr = 'x'", "database_ulr", "database_url"),
        (
            "[worker]\nconcurency = 3",
            "worker.concurency",
            "worker.concurrency",
        ),
        ("[worker.lease]\nx = 1", "worker.lease.x", "worker.lease"),
        (
            "[htp]\ncall_timeout = '1s'",
            "htp.call_timeout",
            "http.call_timeout",
        ),
    ];
    for (file, unknown, nearest) in table {
        let refused = refusal(file, &[]);
        assert!(
            refused.contains(&format!("there is no key {unknown};")),
            "{refused}"
        );
        assert!(
            refused.ends_with(&format!("did you mean {nearest}?")),
            "{refused}"
        );
    }
    let refused = refusal("", &[("LEADRAIL_WORKER_LEASES", "3s")]);
    assert!(refused.contains("LEADRAIL_WORKER_LEASES; did you mean LEADRAIL_WORKER_LEASE?"));
}

#[test]
fn variables_of_others_and_of_tests_are_left_alone() {
    let variables = [
        ("LEADRAIL_TEST_POSTGRES", "container"),
        ("LEADRAIL_FAILPOINT", "x=kill@1"),
        ("LEADRAIL_CONFIG", ""),
        ("PATH", "/bin"),
    ];
    assert!(config("", &variables, &[]).is_ok());
}

#[test]
fn a_bad_value_is_named_with_its_place_and_what_it_must_be() {
    let table = [
        ("LEADRAIL_LISTEN", "localhost", "must be an address"),
        ("LEADRAIL_LOG_FORMAT", "xml", "must be text or json"),
        ("LEADRAIL_WORKER_CONCURRENCY", "0", "whole number from 1"),
        ("LEADRAIL_WORKER_CONCURRENCY", "-1", "whole number from 1"),
        (
            "LEADRAIL_WORKER_CONCURRENCY",
            "99999999999999999999",
            "whole number",
        ),
        (
            "LEADRAIL_WORKER_LEASE",
            "15",
            "must be a time such as 250ms",
        ),
        ("LEADRAIL_WORKER_LEASE", "0s", "must be a time"),
        ("LEADRAIL_WORKER_LEASE", "", "must be a time"),
        (
            "LEADRAIL_WORKER_RETRY_SCHEDULE",
            "1s,soon",
            "`soon` is not a wait",
        ),
        (
            "LEADRAIL_OUTBOUND_ALLOW",
            "10.0.0.0/8, http://crm",
            "`http://crm` is neither a host name",
        ),
    ];
    for (variable, value, expected) in table {
        let refused = refusal("", &[(variable, value)]);
        assert!(
            refused.contains(variable) && refused.contains(expected),
            "{refused}"
        );
    }
    let refused = refusal("[worker]\nlease = 15", &[]);
    assert!(
        refused.starts_with("worker.lease (from ") && refused.ends_with("in quotes"),
        "{refused}"
    );
}

#[test]
fn a_schedule_is_a_list_in_the_file_and_has_commas_in_the_environment() {
    let file = config("[worker]\nretry_schedule = ['1s±500ms', '2m']", &[], &[]).unwrap();
    let variable = [("LEADRAIL_WORKER_RETRY_SCHEDULE", "1s+-500ms, 2m")];
    let environment = config("", &variable, &[]).unwrap();
    assert_eq!(file.worker.schedule, environment.worker.schedule);
    assert_eq!(file.worker.schedule.attempts(), 3);
    let none = config("", &[("LEADRAIL_WORKER_RETRY_SCHEDULE", "")], &[]).unwrap();
    assert_eq!(none.worker.schedule.attempts(), 1);
}

#[test]
fn public_addresses_are_called_and_others_only_where_the_configuration_says_so() {
    let admits = |config: &Config, url: &str| config.guard.admits(&url.parse().unwrap()).is_ok();
    let usual = config("", &[], &[]).unwrap();
    assert!(admits(&usual, "https://8.8.8.8"));
    assert!(!admits(&usual, "http://127.0.0.1"));
    assert_eq!(usual.layers.setting("outbound.allow").value, None);
    let file = "[outbound]\nallow = ['127.0.0.0/8', 'crm.internal']";
    let variable = [("LEADRAIL_OUTBOUND_ALLOW", "127.0.0.1, crm.internal")];
    for allowing in [config(file, &[], &[]), config("", &variable, &[])] {
        let allowing = allowing.unwrap();
        assert!(admits(&allowing, "http://127.0.0.1"));
        assert!(!admits(&allowing, "https://10.0.0.1"));
    }
}

#[test]
fn secrets_are_masked_and_never_part_of_a_refusal() {
    let variables = [
        ("DATABASE_URL", "postgres://u:canary@h/d?sslpassword=canary"),
        ("LEADRAIL_VAULT_KEY", "canary"),
    ];
    let shown = config("", &variables, &[]).unwrap();
    let shown = serde_json::to_string(&shown.settings().collect::<Vec<_>>()).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("postgres://u:********@h/d"), "{shown}");
    let broken = config("", &[("DATABASE_URL", "canary without a scheme")], &[]).unwrap();
    let shown = broken.layers.setting("database_url").value;
    assert_eq!(shown, Some("********".into()));
    let refused = refusal("vault_key = \"canary\nlisten = 3", &[]);
    assert!(!refused.contains("canary"), "{refused}");
    let refused = refusal("vault_key = 'canary'\nvault_key_file = 'x'", &[]);
    assert!(refused.contains("keep one") && !refused.contains("canary"));
    let refused = refusal("vault_key_command = 'canary'\nvault_key_file = 'x'", &[]);
    assert!(refused.contains("keep one") && !refused.contains("canary"));
}

#[test]
fn times_of_retention_are_within_bounds_and_only_chosen_ones_are_set() {
    let day = Duration::from_secs(86_400);
    let nobody = config("", &[], &[]).unwrap();
    assert_eq!(nobody.retention, Retention::default());
    let chosen = config("[retention]\npayload = \"30d\"", &[], &[]).unwrap();
    assert_eq!(
        chosen.retention,
        Retention {
            payload: Some(day * 30),
            ..Retention::default()
        }
    );
    for (key, time, words) in [
        ("PAYLOAD", "401d", "1 to 400 days"),
        ("LETTERS", "12h", "1 to 400 days"),
        ("ATTEMPTS", "3661d", "1 to 3660 days"),
        ("AUDIT", "30d", "365 to 3660 days"),
        ("TOMBSTONES", "399d", "must not be shorter"),
        ("TOMBSTONES", "for ever", "1 to 3660 days"),
    ] {
        let variable = format!("LEADRAIL_RETENTION_{key}");
        let refused = refusal("", &[(&variable, time)]);
        assert!(refused.contains(words), "{key} {time}: {refused}");
    }
}

#[test]
fn the_public_url_is_an_address_and_one_of_the_names_we_are_called_by() {
    let given = config("public_url = \"https://leads.example.com/x/\"", &[], &[]).unwrap();
    let url = given.links.public_url.as_ref().unwrap();
    assert_eq!(url.as_str(), "https://leads.example.com/x");
    assert_eq!(given.admission.hosts, ["leads.example.com"]);
    let none = config("", &[], &[]).unwrap();
    assert!(none.links.public_url.is_none() && none.admission.hosts.is_empty());
    for wrong in [
        "leads.example.com",
        "http://leads.example.com",
        "https://a?b",
    ] {
        let refused = refusal("", &[("LEADRAIL_PUBLIC_URL", wrong)]);
        assert!(refused.contains("public_url") && refused.contains("https://leads.example.com"));
    }
    let refused = refusal(
        "",
        &[(
            "LEADRAIL_LINKS_REFRESH_URL",
            "http://elsewhere.example/sign",
        )],
    );
    assert!(refused.contains("links.refresh_url"), "{refused}");
}

#[test]
fn the_secret_of_fresh_links_is_masked() {
    let given = config(
        "",
        &[("LEADRAIL_LINKS_REFRESH_SECRET", "canary-secret")],
        &[],
    )
    .unwrap();
    let shown: Vec<_> = given.settings().collect();
    let shown = serde_json::to_string(&shown).unwrap();
    assert!(
        shown.contains("links.refresh_secret") && !shown.contains("canary-secret"),
        "{shown}"
    );
}
