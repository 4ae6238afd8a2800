use crate::kit::Cli;

/// Every command there is, found by reading the help as people do.
fn commands(cli: &Cli, path: &[String], found: &mut Vec<Vec<String>>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = cli.run(&arguments).well().out;
    found.push(path.to_vec());
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        // Longer descriptions go on in lines that are further in.
        if line.starts_with("   ") {
            continue;
        }
        let name = line.split_whitespace().next().expect("a name");
        if name != "help" {
            commands(cli, &[path, &[name.to_owned()]].concat(), found);
        }
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let cli = Cli::new();
    let mut found = Vec::new();
    commands(&cli, &[], &mut found);
    let named = |path: &[&str]| found.iter().any(|found| found == path);
    for path in [
        &["demo"][..],
        &["migrate"],
        &["serve"],
        &["worker"],
        &["lead", "push"],
        &["lead", "show"],
        &["lead", "list"],
        &["lead", "preview"],
        &["connection", "add"],
        &["connection", "list"],
        &["connection", "test"],
        &["connection", "show"],
        &["connection", "set"],
        &["connection", "options"],
        &["connection", "reconnect"],
        &["connection", "delete"],
        &["connection", "pause"],
        &["connection", "resume"],
        &["connection", "disable"],
        &["connection", "enable"],
        &["audit"],
        &["key", "create"],
        &["key", "list"],
        &["key", "revoke"],
        &["vault", "status"],
        &["vault", "rotate"],
        &["connection", "settings"],
        &["connection", "sign-in"],
        &["provider", "set"],
        &["provider", "list"],
        &["provider", "remove"],
        &["runs", "list"],
        &["worker", "list"],
        &["schema", "lead"],
        &["openapi"],
        &["crm-sim"],
        &["link", "list"],
        &["link", "revoke"],
        &["erase"],
        &["doctor"],
        &["restored"],
        &["chaos"],
        &["config"],
        &["bench", "engine"],
        &["bench", "single"],
        &["bench", "pickup"],
        &["bench", "enqueue"],
        &["bench", "backlog"],
        &["bench", "scheduled"],
        &["bench", "workers"],
        &["bench", "fair"],
        &["bench", "idle"],
        &["bench", "leads"],
        &["bench", "lists"],
        &["bench", "soak"],
    ] {
        assert!(named(path), "{path:?} is missing");
    }
    for path in &found {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = cli.run(&arguments).out;
        let example = format!("Example:\n  leadrail {}", path.join(" "));
        assert!(help.contains(example.trim_end()), "{path:?}: {help}");
    }
}

#[test]
fn wrong_use_exits_with_2_and_says_something_on_standard_error_only() {
    let cli = Cli::new();
    for arguments in [
        &["unknown"][..],
        &["lead"],
        &["lead", "push"],
        &["lead", "push", "missing.json", "--unknown"],
        &["lead", "show", "not-a-uuid"],
        &["lead", "list", "--state", "done"],
        &["lead", "list", "--limit", "0"],
        &["connection", "test", "1"],
        &["demo", "--leads", "1"],
        &["demo", "--leads", "many"],
        &["chaos", "--leads", "1"],
        &["chaos", "--profile", "huge"],
        &["chaos", "--without", "sense"],
        &["serve", "--listen", "everywhere"],
        &["worker", "--concurrency", "0"],
        &["crm-sim", "--listen", "0.0.0.0:0"],
        &["config", "--config", "missing.toml"],
    ] {
        let ran = cli.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(
            !ran.err.is_empty() && ran.out.is_empty(),
            "{arguments:?}: {}",
            ran.out
        );
    }
}

#[test]
fn commands_that_need_a_database_say_how_to_name_one() {
    let cli = Cli::new().with("LEADRAIL_VAULT_KEY", crate::kit::VAULT_KEY);
    let lead = cli.write("lead.json", "{}");
    for arguments in [
        &["migrate"][..],
        &["doctor"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["worker"],
        &["lead", "list"],
        &["lead", "push", &lead],
        &["connection", "list"],
    ] {
        cli.run(arguments).refused(2, "set DATABASE_URL");
    }
}

#[test]
fn schema_and_openapi_need_no_database() {
    let cli = Cli::new();
    let schema = cli.run(&["schema", "lead"]).well().json();
    assert!(schema["properties"]["event_id"].is_object());
    let example = cli.run(&["schema", "lead", "--example"]).well().json();
    assert!(leadrail_lead::Lead::from_value(example).is_ok());
    let api = cli.run(&["openapi"]).well().json();
    assert!(
        api["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    assert!(api["paths"]["/v1/leads"].is_object());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let cli = Cli::new();
    let reader = cli.start(&["openapi"]);
    assert_eq!(reader.close_and_wait(), 0);
}
